import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { fromHex, toHex } from '@gridseal/wire'
import { memoryPair } from '@gridseal/transport'
import { connectChannel } from '@gridseal/channel'
import { CONNECT, channelPair, collect, refusal, settled } from '../support/channel-pair.ts'
import { messagesOf, openTraffic } from '../support/second-implementation.ts'

const VARIABLE = 'GRIDSEAL_KEYLOGFILE'

describe('channel key log', () => {
  const before = process.env[VARIABLE]
  let folder: string
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gridseal-key-log-'))
    file = join(folder, 'keys.log')
  })
  afterEach(() => {
    if (before === undefined) delete process.env[VARIABLE]
    else process.env[VARIABLE] = before
    rmSync(folder, { recursive: true })
  })

  for (const [environment, configuration] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    const written = environment && configuration
    const says = (yes: boolean): string => (yes ? 'says so' : 'does not')
    const what = written ? 'is written' : 'is not written'
    it(`${what} when the environment ${says(environment)} and the configuration ${says(configuration)}`, async () => {
      if (environment) process.env[VARIABLE] = file
      else delete process.env[VARIABLE]
      const { client, server } = await channelPair({ keyLog: configuration })
      collect(client)
      collect(server)
      client.rekey()
      await settled()
      await client.close()
      expect(existsSync(file)).to.equal(written)
    })
  }

  it('is not written by default, and not with an empty name', async () => {
    process.env[VARIABLE] = file
    await channelPair()
    process.env[VARIABLE] = ''
    await channelPair({ keyLog: true })
    expect(existsSync(file)).to.equal(false)
  })

  it('opens a capture, also after fresh keys; only its owner may read it', async () => {
    process.env[VARIABLE] = file
    const { client, server, clientEnd, serverEnd } = await channelPair({ keyLog: true })
    collect(client)
    collect(server)
    client.send(1, new TextEncoder().encode('before'))
    await settled()
    const first = clientEnd.written.at(-1)!
    client.rekey()
    await settled()
    client.send(1, new TextEncoder().encode('after'))
    server.send(2, new TextEncoder().encode('answer'))
    await settled()
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    const random = toHex(clientEnd.written[0]!.subarray(6, 38))
    const secretOf = (label: string): Uint8Array => {
      const line = lines.find((row) => row.startsWith(`${label} ${random} `))
      return fromHex(line!.split(' ')[2]!)
    }
    const opened = (label: string, record: Uint8Array): string[] =>
      messagesOf(openTraffic(secretOf(label), record).content)
    expect(opened('GRIDSEAL_INITIATOR_TRAFFIC_0', first)).to.deep.equal(['1:before'])
    expect(opened('GRIDSEAL_INITIATOR_TRAFFIC_1', clientEnd.written.at(-1)!)).to.deep.equal(['1:after'])
    expect(opened('GRIDSEAL_RESPONDER_TRAFFIC_1', serverEnd.written.at(-1)!)).to.deep.equal(['2:answer'])
    expect(lines).to.have.length(4)
    expect(statSync(file).mode & 0o777).to.equal(0o600)
  })

  it('that is there already is taken from all others', async () => {
    process.env[VARIABLE] = file
    writeFileSync(file, 'old\n', { mode: 0o644 })
    await channelPair({ keyLog: true })
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(readFileSync(file, 'utf8')).to.match(/^old\nGRIDSEAL_/)
  })

  it('that cannot be written refuses the session', async () => {
    process.env[VARIABLE] = join(folder, 'nowhere', 'keys.log')
    expect(await refusal(connectChannel(memoryPair()[0], { ...CONNECT, keyLog: true }))).to.equal('channel.key-log')
  })
})
