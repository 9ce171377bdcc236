import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { RunningCli, gridseal, records } from '../support/cli.ts'
import { withFolder } from '../support/folders.ts'

const MODEL = `
points:
  - { kind: analog-input, index: 0, name: Voltage, value: 230.5, static: 5, event: 7, class: 2 }
  - { kind: binary-input, index: 0..4 }
  - { kind: binary-output, index: 3, name: Breaker }
  - { kind: analog-output, index: 1, static: 3 }
script:
  - { at: 100ms, point: Voltage, value: 231.25 }
  - { at: 200ms, point: binary-input/2, value: 1 }
repeat: 400ms
attributes: { 247: bay 7 }
`

describe('gridseal poll dnp3, against gridseal simulate dnp3', () => {
  let device: RunningCli | undefined
  const simulate = async (...args: string[]): Promise<string> => {
    device = new RunningCli('simulate', 'dnp3', '--listen', 'tcp://127.0.0.1:0', ...args)
    return device.line((line) => /^ready (\S+)$/.exec(line)?.[1])
  }
  const poll = (url: string, ...args: string[]): ReturnType<typeof gridseal> =>
    gridseal('poll', 'dnp3', '--connect', url, '--json', ...args)
  afterEach(async () => {
    await device?.stop()
    device = undefined
  })

  it('one integrity poll of 1000 analogs', async () => {
    const url = await simulate('--points', '1000', '--local', '7')
    const result = await poll(url, '--remote', '7', '--once')
    expect(result.code, result.stderr).to.equal(0)
    const analogs = records(result).filter(({ point }) => String(point).startsWith('g30/'))
    expect(new Set(analogs.map(({ point }) => point)).size).to.equal(1000)
    const silent = await poll(url, '--remote', '8', '--once', '--timeout', '100ms')
    expect(silent.code).to.equal(1)
    expect(silent.stderr).to.contain('not answered')
    await device?.stop()
    const away = await poll(url, '--once', '--timeout', '100ms')
    expect(away.code).to.equal(1)
    expect(away.stderr).to.contain('nothing accepts connections there')
  })

  it('points with names, events of a script as they happen, commands, attributes', async () => {
    await withFolder(async (folder) => {
      const model = join(folder, 'model.yaml')
      await writeFile(model, MODEL)
      const url = await simulate('--model', model)
      const options = ['--model', model, '--command', 'bo/3=on', '--command', 'ao/1=2.5', '--attributes', '--for', '2s']
      const result = await poll(url, ...options)
      expect(result.code, result.stderr).to.equal(0)
      const all = records(result)
      expect(all.find(({ name, event }) => name === 'Voltage' && event === false)).to.include({
        point: 'g30/0',
        quality: 'good',
      })
      expect(all.filter(({ name, event }) => name === 'Voltage' && event === true)[0]).to.include({
        value: 231.25,
        object: 'g32v7',
      })
      expect(all.filter(({ kind }) => kind === 'command').map(({ status }) => status)).to.deep.equal([
        'SUCCESS',
        'SUCCESS',
      ])
      expect(all.find(({ variation }) => variation === 247)).to.include({ kind: 'attribute', value: 'bay 7' })
      const refused = await poll(url, '--once', '--command', 'bo/9=on')
      expect(refused.code).to.equal(1)
      expect(records(refused).at(-1)).to.include({ point: 'bo/9', status: 'NOT_SUPPORTED' })
    })
  }).timeout(60_000)

  it('says what is wrong with a model, a command or an address', async () => {
    await withFolder(async (folder) => {
      const model = join(folder, 'model.csv')
      await writeFile(model, 'kind,index,name\nanalog-inputs,0,x\n')
      const wrong = await gridseal('simulate', 'dnp3', '--listen', 'tcp://127.0.0.1:0', '--model', model)
      expect(wrong.code).to.equal(2)
      expect(wrong.stderr).to.contain('points[0]: kind is one of binary-input')
      expect((await poll('tcp://127.0.0.1:1', '--command', 'bo/1=maybe')).code).to.equal(2)
      expect((await poll('tcp://127.0.0.1:1', '--remote', '70000')).code).to.equal(2)
    })
  })

  it('secure authentication: a control under the key of the file; the state outlives the outstation; another key is refused', async () => {
    await withFolder(async (folder) => {
      const [security, key] = [join(folder, 'security.yaml'), join(folder, 'bob.json')]
      const users = `users: [{ number: 5, name: bob, role: OPERATOR, updateKey: '${'ab'.repeat(32)}' }]`
      await writeFile(security, `name: RTU 7\n${users}\nstate: rtu.state\n`)
      const writeKey = (updateKey: string): Promise<void> => {
        const content = { user: 'bob', number: 5, updateKey, installed: '2026-01-01T00:00:00Z' }
        return writeFile(key, JSON.stringify(content), { mode: 0o600 })
      }
      await writeKey('ab'.repeat(32))
      const url = await simulate('--security', security)
      const control = (...args: string[]): ReturnType<typeof gridseal> =>
        poll(url, '--once', '--command', 'bo/3=on', '--timeout', '10s', ...args)
      const done = await control('--update-key', key)
      expect(done.code, done.stderr).to.equal(0)
      expect(records(done).at(-1)).to.include({ point: 'bo/3', status: 'SUCCESS' })
      await writeKey('cd'.repeat(32))
      const refused = await control('--update-key', key, '--timeout', '3s')
      expect(refused.code).to.equal(1)
      expect(refused.stderr).to.contain('security error')
      const state = JSON.parse(await readFile(join(folder, 'rtu.state'), 'utf8')) as { csq: number }
      expect(state.csq).to.be.above(0)
      await device?.stop()
      await writeKey('ab'.repeat(32))
      const again = await poll(
        await simulate('--security', security),
        '--once',
        '--command',
        'bo/3=on',
        '--update-key',
        key,
      )
      expect(again.code, again.stderr).to.equal(0)
      const after = JSON.parse(await readFile(join(folder, 'rtu.state'), 'utf8')) as { csq: number }
      expect(after.csq).to.be.above(state.csq)
      await writeFile(security, users.replace('OPERATOR', 'KING'))
      const wrong = await gridseal('simulate', 'dnp3', '--listen', 'tcp://127.0.0.1:0', '--security', security)
      expect(wrong.code).to.equal(2)
      expect(wrong.stderr).to.contain('users[0]: role is one of VIEWER, OPERATOR')
    })
  }).timeout(60_000)
})
