// Runs before `npm start`, `npm test` and the like, on whatever Node.js the host has (20.19 or later): installs the
// dependencies from the lockfile and builds when something is missing or stale, and says what it does. It uses no
// dependency and no syntax newer than Node.js 20. Everything after it runs on the Node.js that package.json pins.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const installStamp = join(root, 'node_modules', '.gridseal-install')
const OLDEST_HOST = [20, 19]
const OLDEST_RUNTIME = [24, 15]

const say = (text) => process.stderr.write(`gridseal: ${text}\n`)
const fail = (text) => {
  say(text)
  process.exit(1)
}

function olderThan(version, [major, minor]) {
  const [a = 0, b = 0] = version.replace(/^v/, '').split('.').map(Number)
  return a < major || (a === major && b < minor)
}

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.error) fail(`cannot run ${command}: ${result.error.message}`)
  if (result.status !== 0) fail(`${command} ${args.join(' ')} failed (exit code ${result.status})`)
}

/** A digest over the files that decide what gets installed. */
function wantedInstall() {
  const hash = createHash('sha256')
  const files = ['package.json', 'package-lock.json']
  for (const name of readdirSync(join(root, 'packages')).sort()) files.push(join('packages', name, 'package.json'))
  for (const file of files) if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function installed() {
  return existsSync(installStamp) && readFileSync(installStamp, 'utf8') === wantedInstall()
}

const started = Date.now()
if (olderThan(process.version, OLDEST_HOST)) {
  fail(`this needs Node.js ${OLDEST_HOST.join('.')} or later to set itself up; this is ${process.version}`)
}

let worked = false
if (!installed()) {
  say('installing dependencies from the lockfile (npm ci) …')
  run('npm', ['ci', '--loglevel=error'])
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(installStamp, wantedInstall())
  worked = true
}

const binary = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
const probe = spawnSync(binary, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' })
const version = (probe.stdout ?? '').trim()
if (probe.status !== 0 || olderThan(version, OLDEST_RUNTIME)) {
  fail(
    `Gridseal runs on Node.js ${OLDEST_RUNTIME.join('.')} or later; ${binary} says ${version || 'nothing'}. ` +
      'The root package.json pins one: check that npm was allowed to run the install script of the package "node".',
  )
}

if (!process.argv.includes('--install-only')) {
  // tsc -b compares time stamps and digests itself: a second when nothing changed.
  const fresh = existsSync(join(root, 'packages', 'cli', 'dist', 'index.js'))
  if (!fresh) say('building (tsc -b) …')
  run(binary, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'])
  worked ||= !fresh
}
if (worked) say(`ready in ${((Date.now() - started) / 1000).toFixed(0)} s on Node.js ${version}`)
