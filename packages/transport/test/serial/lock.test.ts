import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@gridseal/transport'
import { expect } from 'chai'
import { holderText, lockedBy } from '#src/serial/lock.ts'
import { needLinux, needPeer } from '../../../../test/support/requirements.ts'
import { rejection } from '../support/collect.ts'
import { PtyPair } from '../support/pty-pair.ts'

describe('who has a serial port', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridseal-lock-'))
    await mkdir(join(folder, 'lock'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const lock = (pid: number): Promise<void> =>
    writeFile(join(folder, 'lock', 'LCK..ttyUSB7'), `${String(pid).padStart(10)}\n`)
  const holder = (): ReturnType<typeof lockedBy> => lockedBy('/dev/ttyUSB7', [join(folder, 'lock')])

  it('is told by the lock file of a process that runs', async () => {
    await lock(process.ppid)
    const found = await holder()
    expect(found).to.include({ pid: process.ppid, lockFile: join(folder, 'lock', 'LCK..ttyUSB7') })
    expect(holderText(found!)).to.match(/^process \d+( \(.+\))? has locked it \(.*LCK\.\.ttyUSB7\)$/)
  })

  it('is nobody when the process is gone, the file is ours or holds no number', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    await lock(child.pid!)
    expect(await holder()).to.equal(undefined)
    await lock(process.pid)
    expect(await holder()).to.equal(undefined)
    await writeFile(join(folder, 'lock', 'LCK..ttyUSB7'), 'no number')
    expect(await holder()).to.equal(undefined)
  })

  it('is named when opening fails', async function () {
    needLinux(this)
    needPeer(this, 'socat')
    const pty = await PtyPair.open()
    const first = await connect(pty.url('a'))
    try {
      const error = await rejection(connect(pty.url('a')))
      expect(error).to.have.property('code', 'transport.serial.busy')
      expect(error.message, error.message).to.contain('this process has it open')
    } finally {
      first.destroy()
      await first.closed
      await pty.close()
    }
  })
})
