import type { OpenSsl } from './peer.ts'

/** Certificates, a request and a list as OpenSSL issues them, in PEM. */
export interface CertificateRecords {
  readonly root: string
  readonly intermediate: string
  readonly device: string
  /** Of an ML-KEM key (RFC 9935). */
  readonly kem: string
  readonly revoked: string
  readonly request: string
  /** Of the intermediate CA: `revoked` is on it. */
  readonly revocationList: string
  /** Signed by itself with SLH-DSA (RFC 9909). */
  readonly slhDsa: string
}

/** All of them are valid then. */
export const VALID = new Date('2027-01-01T00:00:00Z')
const [FROM, UNTIL] = ['20260101000000Z', '20360101000000Z']
const VALIDITY = ['-not_before', FROM, '-not_after', UNTIL]

const EXTENSIONS = `
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[device]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:meter-7.example, IP:192.0.2.7
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:http://crl.example/0
[kem]
keyUsage = critical, keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[issuing]
database = index
crlnumber = number
default_md = default
[req]
distinguished_name = name
[name]
`

export function recordCertificates(openssl: OpenSsl): CertificateRecords {
  openssl.write('openssl.cnf', EXTENSIONS)
  const generate = (name: string, algorithm: string): void => {
    openssl.run(['genpkey', '-algorithm', algorithm, '-out', `${name}.key`])
    openssl.run(['pkey', '-in', `${name}.key`, '-pubout', '-out', `${name}.pub`])
  }
  const issue = (name: string, section: string, issuer?: string): string => {
    const subject = ['x509', '-new', '-force_pubkey', `${name}.pub`, '-subj', `/O=Grid/CN=${name}`]
    const extensions = ['-extfile', 'openssl.cnf', '-extensions', section, '-out', `${name}.pem`]
    const by = issuer === undefined ? ['-key', `${name}.key`] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`]
    openssl.run([...subject, ...VALIDITY, ...extensions, ...by])
    return text(openssl, `${name}.pem`)
  }
  generate('root', 'ML-DSA-65')
  const root = issue('root', 'ca')
  generate('intermediate', 'ML-DSA-44')
  const intermediate = issue('intermediate', 'intermediate', 'root')
  generate('device', 'ML-DSA-44')
  const device = issue('device', 'device', 'intermediate')
  generate('revoked', 'ML-DSA-44')
  const revoked = issue('revoked', 'device', 'intermediate')
  generate('kem', 'ML-KEM-768')
  const kem = issue('kem', 'kem', 'intermediate')
  generate('slh', 'SLH-DSA-SHA2-128s')
  const slhDsa = issue('slh', 'ca')
  const req = ['req', '-new', '-config', 'openssl.cnf', '-key', 'device.key', '-subj', '/O=Grid/CN=device']
  openssl.run([...req, '-addext', 'subjectAltName = DNS:meter-7.example', '-out', 'request'])
  openssl.write('index', '')
  openssl.write('number', '01\n')
  const ca = [
    'ca',
    '-config',
    'openssl.cnf',
    '-name',
    'issuing',
    '-cert',
    'intermediate.pem',
    '-keyfile',
    'intermediate.key',
  ]
  openssl.run([...ca, '-revoke', 'revoked.pem'])
  openssl.run([...ca, '-gencrl', '-out', 'list', '-crl_lastupdate', FROM, '-crl_nextupdate', UNTIL])
  const [request, revocationList] = [text(openssl, 'request'), text(openssl, 'list')]
  return { root, intermediate, device, kem, revoked, request, revocationList, slhDsa }
}

function text(openssl: OpenSsl, file: string): string {
  return openssl.read(file).toString('latin1')
}
