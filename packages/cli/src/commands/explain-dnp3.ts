import type { FieldLinkConfig, HeadEndLinkConfig } from '@gridseal/bridge'

/** What a link's update keys and names mean, a line each; none where it has none. */
export function explainDnp3({ updateKeys = [], points }: FieldLinkConfig | HeadEndLinkConfig): string[] {
  const keys = updateKeys.map((key) => {
    const agreed = `update key of user ${key.user}: agreed on over the channel`
    if ('every' in key) return `${agreed} every ${key.every / 1000} s, the master's in ${key.file}`
    if (key.install === undefined) return `${agreed}, the outstation's in ${key.file ?? ''}`
    return `${agreed}, brought to outstation ${key.install.outstation} (link address ${key.install.remote}) by g120`
  })
  return points === undefined ? keys : [...keys, `readings have the names of ${points}`]
}
