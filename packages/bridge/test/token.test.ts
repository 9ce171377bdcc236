import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MessageSigner, TokenOptions } from '@gridseal/pqc'
import { Pkcs11KeyStore, compositeMessageSigner, SigningKey } from '@gridseal/pqc'
import type { SealedBatch } from '@gridseal/envelope'
import { Opener, Sealer, verifyJournal } from '@gridseal/envelope'
import { createBridge, parseConfig } from '@gridseal/bridge'
import { UsageError } from '@gridseal/wire'
import { expect } from 'chai'
import { Device, Peer, startPair, until } from './support/pair.ts'
import { PIN, makeToken, needSoftHsm } from '../../pqc/test/keystore/softhsm.ts'
import { readPublicKeyFile } from '@gridseal/pqc'

describe('batches signed by a key in a token (SoftHSM)', function () {
  this.timeout(60_000)
  let folder = ''
  let token: TokenOptions
  const before_ = process.env['SOFTHSM2_CONF']
  before(async function () {
    const library = needSoftHsm(this)
    folder = await mkdtemp(join(tmpdir(), 'gridseal-token-'))
    token = await makeToken(library, folder, 'field')
    await writeFile(join(folder, 'pin'), `${PIN}\n`, { mode: 0o600 })
    const store = await Pkcs11KeyStore.open({ ...token, folder })
    await store.generate('inside', 'ECDSA-P256')
    await store.generate('wrapped', 'ML-DSA-65')
    await store.close()
  })
  after(async () => {
    if (before_ === undefined) delete process.env['SOFTHSM2_CONF']
    else process.env['SOFTHSM2_CONF'] = before_
    if (folder !== '') await rm(folder, { recursive: true, force: true })
  })

  const seal = async (key: MessageSigner): Promise<SealedBatch[]> => {
    const batches: SealedBatch[] = []
    const sealer = new Sealer({
      key,
      site: 's',
      direction: 'to-master',
      onBatch: (batch) => batches.push(batch),
      onError: (error) => expect.fail(String(error)),
    })
    const bytes = Buffer.from('reading')
    sealer.add([{ kind: 'frame', link: 'l', connection: 0, direction: 'to-master', time: 1n, protocol: 'raw', bytes }])
    await sealer.close()
    return batches
  }

  it('a sealer takes a key that cannot leave the token, one that is wrapped by it, and a dual one of two places', async () => {
    const store = await Pkcs11KeyStore.open({ ...token, folder })
    try {
      const [inside, wrapped] = [await store.open('inside'), await store.open('wrapped')]
      expect(inside).not.to.be.instanceOf(SigningKey)
      const dual = compositeMessageSigner('MLDSA65-ECDSA-P256-SHA512', wrapped, inside)
      for (const key of [inside, wrapped, dual]) {
        const [batch] = await seal(key)
        const opener = new Opener({ key: () => key.publicKey })
        expect(opener.open(batch?.bytes ?? new Uint8Array(0)).entries, key.publicKey.algorithm).to.have.length(1)
      }
    } finally {
      await store.close()
    }
  })

  const keyOf = (name: string, pin = join(folder, 'pin')): object => ({
    token: { library: token.library, label: token.token, pin, name, folder },
  })

  for (const name of ['wrapped', 'inside']) {
    it(`a bridge signs with one that its configuration names: ${name}`, async () => {
      const device = await Device.listen((peer) => peer.socket.on('data', (bytes) => peer.socket.write(bytes)))
      const pair = await startPair([{ id: 'meter', device: device.url }], {
        field: { signing: { keys: [keyOf(name)] } },
      })
      try {
        const store = await Pkcs11KeyStore.open({ ...token, folder })
        const { publicKey } = await store.open(name)
        await store.close()
        expect(pair.field.stats.signer).to.equal(publicKey.fingerprintText)
        const master = await Peer.connect(pair.port('meter'))
        master.send('to the token and back')
        await until('it comes back', () => master.text === 'to the token and back')
        master.socket.destroy()
        await pair.restart('field')
        await pair.field.stop()
        await pair.headEnd.stop()
        const names = ['field', 'head-end']
        const keys = await Promise.all(names.map((one) => readPublicKeyFile(join(pair.folder, `${one}.pub`))))
        const signers = new Set<string>()
        const report = await verifyJournal(join(pair.folder, 'journal-head-end'), {
          keys,
          onBatch: ({ batch }) => signers.add(batch.signer.fingerprintText),
        })
        expect(report).to.include({ failed: 0, frames: 2 })
        expect([...signers]).to.include(publicKey.fingerprintText)
      } finally {
        await pair.stop()
        device.close()
      }
    })
  }

  it('a wrong PIN, a PIN that others can read, an unknown key: said before anything runs', async () => {
    const open = join(folder, 'open-pin')
    await writeFile(open, await readFile(join(folder, 'pin')))
    await chmod(open, 0o644)
    const wrong = join(folder, 'wrong-pin')
    await writeFile(wrong, '9999', { mode: 0o600 })
    const { SigningKey: Key, writeKeyFile, writePublicKeyFile } = await import('@gridseal/pqc')
    const own = Key.generate('ML-DSA-44')
    await writeKeyFile(join(folder, 'own.key'), own)
    await writePublicKeyFile(join(folder, 'own.pub'), own.publicKey)
    const start = async (key: object): Promise<string> => {
      const config = {
        role: 'field',
        site: 's',
        identity: join(folder, 'own.key'),
        channel: { connect: 'tcp://127.0.0.1:1', peer: join(folder, 'own.pub') },
        signing: { keys: [key] },
        links: [{ id: 'm', protocol: 'raw', device: 'tcp://127.0.0.1:1' }],
      }
      const error: unknown = await createBridge(parseConfig(JSON.stringify(config), 'f'), () => undefined).catch(
        (thrown: unknown) => thrown,
      )
      return error instanceof Error && 'code' in error ? String(error.code) : 'started'
    }
    expect(await start(keyOf('wrapped', open))).to.equal('config.pin')
    expect(await start(keyOf('wrapped', wrong))).to.equal('pqc.hsm.pin')
    expect(await start(keyOf('nobody'))).to.equal('pqc.key-store.unknown')
    expect(() => parseConfig('role: field\nsigning: { keys: [{}] }\n', 'f')).to.throw(
      UsageError,
      /either file or token/,
    )
  })
})
