// A definition that may be shown: values of environment variables, which are often secrets, are
// replaced by hashes. Two redacted definitions differ exactly where the originals do.

import { hashText } from '../model/definition-digest.ts'
import type { ProjectDefinition, ServiceDefinition } from '../model/service-definition.ts'

/** The same project with every environment value as `hash:…`. */
export function redactDefinition(project: ProjectDefinition): ProjectDefinition {
  const services = Object.entries(project.services).map(
    ([name, service]) => [name, redactService(service)] as const,
  )
  return { ...project, services: Object.fromEntries(services) }
}

function redactService(service: ServiceDefinition): ServiceDefinition {
  return { ...service, environment: redactValues(service.environment) }
}

function redactValues(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const redacted = Object.entries(values).map(
    ([name, value]) => [name, `hash:${hashText(value)}`] as const,
  )
  return Object.fromEntries(redacted)
}
