import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ROOT } from '../../../test/support/requirements.ts'

describe('the README of dnp3', () => {
  it('has an example that runs and says what it promises', () => {
    const folder = join(ROOT, 'packages/dnp3')
    const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? []
    const args = [...process.execArgv, '--input-type=module-typescript', '-e', code]
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 20_000 })
    expect(output).to.contain('g30/0 230.1')
    expect(output).to.match(/g30\/0 231.* good event/)
    expect(output).to.contain('statuses: [ 0 ], success: true')
  }).timeout(30_000)
})
