import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../../test/support/requirements.ts'
import { recordCertificates } from './certificate-records.ts'
import { OpenSsl } from './peer.ts'
import { SHARED, recordEncapsulation, recordKey, recordSignature } from './records.ts'

// Writes `fixtures/openssl` with the tool that is named: `record.ts OPENSSL VERSION`.

const SIGNED = [
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
  'SLH-DSA-SHA2-128s',
  'SLH-DSA-SHAKE-128s',
  'Ed25519',
  'ECDSA-P256',
]

const [program = '', version = ''] = process.argv.slice(2)
const openssl = new OpenSsl(program, version)
const folder = join(ROOT, 'fixtures/openssl')
mkdirSync(folder, { recursive: true })

function save(file: string, content: object): void {
  writeFileSync(join(folder, file), `${JSON.stringify({ openssl: version, ...content }, undefined, 1)}\n`)
}

const keys = SHARED.map((algorithm) => recordKey(openssl, algorithm))
save('keys.json', { keys })
save('signatures.json', {
  signatures: keys
    .filter(({ algorithm }) => SIGNED.includes(algorithm))
    .map((key) =>
      recordSignature(openssl, key, key.algorithm.includes('DSA-') && !key.algorithm.startsWith('EC') ? 'grid/v1' : ''),
    ),
})
save('encapsulations.json', {
  encapsulations: keys
    .filter(({ algorithm }) => algorithm.startsWith('ML-KEM'))
    .map((key) => recordEncapsulation(openssl, key)),
})
save('certificates.json', { certificates: recordCertificates(openssl) })
openssl.close()
