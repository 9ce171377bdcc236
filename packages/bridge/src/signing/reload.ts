import type { AcceptConfig, BridgeConfig } from '../config/model.ts'
import type { Report } from '../events.ts'

/** What of the far side's keys is taken while running; algorithms and times wait for a restart. */
export function trustOf(old: AcceptConfig, { signers, successors, overlap }: AcceptConfig): AcceptConfig {
  return { ...old, signers, successors, overlap }
}

/** Says what of a new configuration is not taken before a restart. `taken`: what is, put in place of the old. */
export function reportLeftOver(config: BridgeConfig, taken: BridgeConfig, report: Report): void {
  const parts = new Set([...Object.keys(config), ...Object.keys(taken)])
  const differs = [...parts].filter((part) => text(config, part) !== text(taken, part))
  if (differs.length === 0) return
  const message = `not before a restart: ${differs.join(', ')}`
  report({ level: 'warn', code: 'config.restart', message, details: { parts: differs } })
}

function text(config: BridgeConfig, part: string): string {
  return JSON.stringify((config as unknown as Record<string, unknown>)[part]) ?? ''
}
