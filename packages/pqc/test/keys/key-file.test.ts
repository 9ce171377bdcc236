import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  FileKeyStore,
  SigningKey,
  readKemKeyFile,
  readKeyFile,
  readPublicKeyFile,
  writeKeyFile,
  writePublicKeyFile,
} from '@gridseal/pqc'
import { DecodeError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { writeWhole } from '#src/keys/write-file.ts'
import { cannotTest } from '../../../../test/support/requirements.ts'

describe('key files', () => {
  const key = SigningKey.fromSeed('ML-DSA-65', new Uint8Array(32).fill(1))
  const other = SigningKey.fromSeed('ML-DSA-65', new Uint8Array(32).fill(2))
  const umask = process.umask()
  let folder = ''
  let path = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridseal-keys-'))
    path = join(folder, 'site-12.key')
  })
  afterEach(async () => {
    process.umask(umask)
    await rm(folder, { recursive: true })
  })

  async function refused(
    call: Promise<unknown>,
    family: typeof UsageError | typeof DecodeError,
    code: string,
  ): Promise<GridsealError> {
    const error: unknown = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).to.be.instanceOf(family).with.property('code', code)
    return error as GridsealError
  }

  it('keep a private key for its owner alone, whatever the umask', async () => {
    for (const mask of [0o000, 0o022, 0o077]) {
      process.umask(mask)
      await writeKeyFile(path, key, { overwrite: true })
      expect((await stat(path)).mode & 0o777).to.equal(0o600)
    }
    expect((await readKeyFile(path)).publicKey.equals(key.publicKey)).to.equal(true)
    expect(await readFile(path, 'utf8')).to.equal(key.toPem())
  })

  it('let everybody read a public key', async () => {
    process.umask(0o077)
    await writePublicKeyFile(`${path}.pub`, key.publicKey)
    expect((await stat(`${path}.pub`)).mode & 0o777).to.equal(0o644)
    expect((await readPublicKeyFile(`${path}.pub`)).equals(key.publicKey)).to.equal(true)
  })

  it('are not overwritten unless asked, and then replaced whole, with mode 0600 again', async () => {
    await writeKeyFile(path, key)
    const error = await refused(writeKeyFile(path, other), UsageError, 'pqc.key-file.exists')
    expect(error.message).to.equal(`${path} exists already`)
    expect((await readKeyFile(path)).publicKey.equals(key.publicKey)).to.equal(true)
    await chmod(path, 0o644)
    await writeKeyFile(path, other, { overwrite: true })
    expect((await readKeyFile(path)).publicKey.equals(other.publicKey)).to.equal(true)
    expect(await readdir(folder), 'no left-overs').to.deep.equal(['site-12.key'])
  })

  for (const mode of [0o640, 0o604, 0o620, 0o601, 0o644, 0o666]) {
    it(`are not read with mode ${mode.toString(8)}, and the error says what to do`, async () => {
      await writeKeyFile(path, key)
      await chmod(path, mode)
      const error = await refused(readKeyFile(path), UsageError, 'pqc.key-file.mode')
      expect(error.message)
        .to.include(`chmod 600 ${path}`)
        .and.to.include(`0${mode.toString(8)}`)
    })
  }

  it('come to file systems without hard links as well, and take no name that is taken', async () => {
    const noLinks = async (): Promise<never> => {
      throw Object.assign(new Error('operation not permitted, link'), { code: 'EPERM' })
    }
    await writeWhole(path, 'one', 0o600, false, noLinks)
    expect(await readFile(path, 'utf8')).to.equal('one')
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    await refused(writeWhole(path, 'two', 0o600, false, noLinks), UsageError, 'pqc.key-file.exists')
    expect(await readFile(path, 'utf8')).to.equal('one')
    expect(await readdir(folder)).to.deep.equal(['site-12.key'])
  })

  it('are there whole or not at all: what a power cut left behind does not stand in the way', async () => {
    // The process ends when it has opened the file and before it has written anything.
    const script = `
      import { open } from 'node:fs/promises'
      import { SigningKey, writeKeyFile } from '@gridseal/pqc'
      const file = await open('/dev/null')
      file.constructor.prototype.writeFile = () => process.kill(process.pid, 'SIGKILL')
      await writeKeyFile(${JSON.stringify(path)}, SigningKey.generate('ML-DSA-44'))`
    const args = ['-C', 'source', '--input-type=module', '-e', script]
    expect(spawnSync(process.execPath, args, { cwd: import.meta.dirname }).signal).to.equal('SIGKILL')
    await writeKeyFile(path, key)
    expect((await readKeyFile(path)).publicKey.equals(key.publicKey)).to.equal(true)
  })

  it('are not waited for where a pipe has their name', async function () {
    if (process.platform === 'win32') cannotTest(this, 'needs named pipes')
    execFileSync('mkfifo', ['-m', '600', path])
    const error = await refused(readKeyFile(path), UsageError, 'pqc.key-file.read')
    expect(error.message).to.include('is not a file')
  })

  it('are not written without a passphrase because its name was misspelt', async () => {
    const wrong = { passPhrase: 'secret' } as object
    await refused(writeKeyFile(path, key, wrong), UsageError, 'pqc.option.unknown')
    await refused(writePublicKeyFile(path, key.publicKey, wrong), UsageError, 'pqc.option.unknown')
    await refused(readKeyFile(path, wrong), UsageError, 'pqc.option.unknown')
    await refused(readKemKeyFile(path, wrong), UsageError, 'pqc.option.unknown')
    expect(() => new FileKeyStore({ folder, ...wrong }))
      .to.throw(UsageError)
      .with.property('code', 'pqc.option.unknown')
    expect(await readdir(folder)).to.deep.equal([])
  })

  it('may be read-only', async () => {
    await writeKeyFile(path, key)
    await chmod(path, 0o400)
    expect((await readKeyFile(path)).algorithm).to.equal('ML-DSA-65')
  })

  it('that cannot be read or written say why', async () => {
    const missing = await refused(readKeyFile(path), UsageError, 'pqc.key-file.read')
    expect(missing.message).to.include(path).and.to.include('ENOENT')
    await refused(readPublicKeyFile(folder), UsageError, 'pqc.key-file.read')
    await refused(writeKeyFile(join(folder, 'no', 'folder.key'), key), UsageError, 'pqc.key-file.write')
    await mkdir(path)
    await refused(writeKeyFile(path, key, { overwrite: true }), UsageError, 'pqc.key-file.write')
    expect(await readdir(folder)).to.deep.equal(['site-12.key'])
  })

  it('that hold something else are refused by name, and why', async () => {
    await writeFile(path, key.publicKey.toPem(), { mode: 0o600 })
    const half = await refused(readKeyFile(path), UsageError, 'pqc.key-file.format')
    expect(half.message).to.include(path).and.to.include('PUBLIC KEY')
    await writeFile(path, 'hello')
    const text = await refused(readPublicKeyFile(path), UsageError, 'pqc.key-file.format')
    expect(text.cause).to.be.instanceOf(DecodeError)
    await writeFile(path, new Uint8Array(70_000))
    await refused(readKeyFile(path), UsageError, 'pqc.key-file.read')
  })
})
