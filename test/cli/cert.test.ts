import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { gridseal, gridsealProcess, records } from '../support/cli.ts'
import { withFolder } from '../support/folders.ts'

describe('gridseal cert, selftest', function () {
  this.timeout(60_000)

  it('issues root, intermediate and device from a request, verifies, shows and revokes', () =>
    withFolder(async (folder) => {
      const file = (name: string): string => join(folder, name)
      const run = async (...args: string[]): Promise<Record<string, unknown>> => {
        const result = await gridseal('cert', ...args, '--json')
        expect(result.code, result.stderr).to.equal(0)
        return records(result)[0]!
      }
      const root = ['--key', file('root.key'), '--out', file('root.pem'), '--subject', 'C=AT, O=Netz, CN=root']
      expect(await run('root', ...root, '--algorithm', 'ML-DSA-87')).to.include({ key: 'ML-DSA-87' })
      expect((await stat(file('root.key'))).mode & 0o777).to.equal(0o600)
      const byRoot = ['--ca', file('root.pem'), '--ca-key', file('root.key')]
      const middle = ['--key', file('ca.key'), '--out', file('ca.pem'), '--subject', 'O=Netz, CN=CA']
      await run('intermediate', ...byRoot, ...middle)
      const device = ['--key', file('device.key'), '--algorithm', 'ml-dsa-44', '--out', file('device.csr')]
      await run('csr', ...device, '--subject', 'CN=meter 7', '--dns', 'meter-7', '--ip', '10.0.0.7')
      const byCa = ['--ca', file('ca.pem'), '--ca-key', file('ca.key')]
      const uri = 'http://crl.example/0.crl'
      await run('device', ...byCa, '--csr', file('device.csr'), '--out', file('device.pem'), '--crl', uri)
      const verify = ['verify', file('device.pem'), '--root', file('root.pem'), '--intermediate', file('ca.pem')]
      const verified = await run(...verify, '--host', 'meter-7', '--purpose', 'serverAuth')
      expect(verified['path']).to.deep.equal(['CN=meter 7', 'O=Netz, CN=CA', 'C=AT, O=Netz, CN=root'])
      const shown = await run('show', file('device.pem'))
      expect(shown).to.deep.include({ key: 'ML-DSA-44', signature: 'ML-DSA-65', crl: [uri] })
      expect(shown['names']).to.deep.equal(['dns:meter-7', 'ip:0a000007'])
      // From now on it is refused.
      await run('revoke', file('device.pem'), ...byCa, '--out', file('0.crl'), '--number', '1', '--shard', uri)
      for (const [extra, code] of [
        [['--crl', file('0.crl')], 'pqc.cert.revoked'],
        [['--at', '2040-01-01'], 'pqc.cert.expired'],
      ] as const) {
        const refused = await gridseal('cert', ...verify, ...extra, '--json')
        expect(refused.code).to.equal(1)
        expect(records(refused)[0]).to.include({ verified: false, code })
      }
      const again = await gridseal('cert', 'root', ...root)
      expect([again.code, again.stderr]).to.satisfy(
        ([code, text]: [number, string]) => code === 2 && text.includes('root.pem'),
      )
      await writeFile(file('not.pem'), 'x')
      expect((await gridseal('cert', 'show', file('not.pem'))).code).to.equal(2)
      const swapped = await gridseal(
        'cert',
        'device',
        '--ca',
        file('ca.pem'),
        '--ca-key',
        file('root.key'),
        '--csr',
        file('device.csr'),
        '--out',
        file('x.pem'),
      )
      expect([swapped.code, swapped.stderr.includes('is not the key of')]).to.deep.equal([2, true])
    }))

  it('issues a classical and a post-quantum certificate of one device that name each other', () =>
    withFolder(async (folder) => {
      const file = (name: string): string => join(folder, name)
      const run = async (...args: string[]): Promise<Record<string, unknown>> => {
        const result = await gridseal(...args, '--json')
        expect(result.code, result.stderr).to.equal(0)
        return records(result)[0]!
      }
      const made = await run('keygen', file('pq.key'), '--algorithm', 'ML-DSA-65')
      expect(made['algorithm']).to.equal('ML-DSA-65')
      const root = ['--key', file('root.key'), '--out', file('root.pem'), '--subject', 'CN=root']
      await run('cert', 'root', ...root, '--algorithm', 'ECDSA-P256')
      const device = [
        'cert',
        'device',
        '--ca',
        file('root.pem'),
        '--ca-key',
        file('root.key'),
        '--subject',
        'CN=meter 7',
      ]
      const classical = ['--key', file('ec.key'), '--algorithm', 'ECDSA-P256', '--out', file('ec.pem')]
      await run(...device, ...classical, '--alternative-key', file('pq.pub'))
      await run(...device, '--key', file('pq.key'), '--out', file('pq.pem'), '--related', file('ec.pem'))
      const [ec, pq] = [await run('cert', 'show', file('ec.pem')), await run('cert', 'show', file('pq.pem'))]
      expect(ec['alternativeKey']).to.match(/^[0-9a-f]{64}$/)
      expect(pq['related']).to.equal(ec['fingerprint'])
    }))

  it('runs the self-tests and shows each with its vector and time', async () => {
    const result = await gridsealProcess('selftest', '--json')
    expect(result.code, result.stderr).to.equal(0)
    const all = records(result)
    const [summary] = all.slice(-1)
    expect(summary!['summary']).to.deep.include({ failed: 0, state: 'operational', mode: 'standard' })
    const tests = all.slice(0, -1)
    for (const test of tests) {
      expect(test).to.include({ outcome: 'passed' })
      expect(test).to.include.keys('test', 'source', 'subject', 'provider', 'milliseconds')
    }
    for (const subject of ['symmetric', 'ML-KEM-768', 'ML-DSA-65', 'SLH-DSA-SHAKE-192s', 'X-Wing', 'Falcon-512']) {
      expect(
        tests.some((test) => test['subject'] === subject),
        subject,
      ).to.equal(true)
    }
  })

  it('makes keys of every kind, says what is experimental, and shows other forms', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'x.key')
      const made = await gridseal('keygen', path, '--algorithm', 'Falcon-512')
      expect([made.code, made.stderr.includes('experimental')]).to.deep.equal([0, true])
      const dual = join(folder, 'dual.key')
      await gridseal('keygen', dual, '--algorithm', 'MLDSA65-Ed25519-SHA512')
      const [jwk] = records(await gridseal('keys', join(folder, 'dual.pub'), '--form', 'jwk'))
      expect(jwk).to.include({ kty: 'AKP', alg: 'MLDSA65-Ed25519-SHA512' })
      const wrong = await gridseal('keygen', join(folder, 'y.key'), '--algorithm', 'RSA')
      expect(wrong.code).to.equal(2)
      const secret = await gridseal('keygen', join(folder, 'z.key'), '--encrypt')
      expect([secret.code, secret.stderr.includes('GRIDSEAL_PASSPHRASE')]).to.deep.equal([2, true])
    }))
})
