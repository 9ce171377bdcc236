import { join } from 'node:path'
import { ROOT } from './requirements.ts'

/** The environment for processes that compile the same modules: the first one does it for all. */
export function sharingCompiled(): NodeJS.ProcessEnv {
  // Coverage counts less exactly in what comes from such a cache.
  if (process.env['NODE_V8_COVERAGE'] !== undefined) return process.env
  return { NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/gridseal-compiled'), ...process.env }
}
