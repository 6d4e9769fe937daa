// Names of projects, services and instances: the grammar, and how they are put together.

import { type InstanceId, toInstanceId } from '../base/brands.ts'
import { MAX_NAME_LENGTH } from '../base/limits.ts'

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** The grammar of names as a sentence, for hints. */
export const nameRule =
  'Names have letters, digits, "_", "." and "-", at most 64, and begin with a letter or digit.'

/** Letters, digits, `_`, `.`, `-`; at most 64; the first is a letter or a digit. */
export function isValidName(name: string): boolean {
  return namePattern.test(name)
}

/** A valid name made from a folder's name: `My Shop!` becomes `My-Shop`. */
export function toProjectName(folderName: string): string {
  const name = folderName
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_NAME_LENGTH)
    .replace(/-+$/, '')
  return isValidName(name) ? name : 'project'
}

export interface InstanceName {
  readonly project: string
  readonly service: string
  readonly index: number
}

/** `shop/web@2` */
export function printInstanceId(name: InstanceName): InstanceId {
  return toInstanceId(`${name.project}/${name.service}@${name.index}`)
}

/** Undefined when the text is not `project/service@n`. */
export function parseInstanceId(text: string): InstanceName | undefined {
  const match = /^([^/@]+)\/([^/@]+)@([1-9]\d{0,5})$/.exec(text)
  if (!match) return undefined
  const [, project, service, index] = match
  if (project === undefined || service === undefined) return undefined
  if (!isValidName(project) || !isValidName(service)) return undefined
  return { project, service, index: Number(index) }
}

/** What an operator types: `web`, `web@2`, `shop/web` or `shop/web@2`. */
export interface ServiceSelector {
  readonly project: string | null
  readonly service: string
  readonly index: number | null
}

/** Undefined when the text cannot be a selector. */
export function parseSelector(text: string): ServiceSelector | undefined {
  const match = /^(?:([^/@]+)\/)?([^/@]+)(?:@([1-9]\d{0,5}))?$/.exec(text)
  const service = match?.[2]
  if (!match || service === undefined || !isValidName(service)) return undefined
  const project = match[1] ?? null
  if (project !== null && !isValidName(project)) return undefined
  return { project, service, index: match[3] === undefined ? null : Number(match[3]) }
}
