// The JSON Schema of eudaemon.toml, for editors, made from the table of settings. The reader
// knows more than a schema can say; what the schema refuses the reader refuses too.

import { fieldTypes } from '../../src/model/field-types.ts'
import { type FieldRow, type FieldScope, fieldsOfScope } from '../../src/model/service-fields.ts'

type Schema = Readonly<Record<string, unknown>>

/** Draft 7: what the TOML extensions of editors read. Ends with a newline. */
export function printJsonSchema(): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'eudaemon.toml',
    description: 'Services of one project, run by eudaemon.',
    ...toObject('project', { services: { $ref: '#/definitions/service' } }),
    required: ['services'],
    definitions: { service: { ...toObject('service'), required: ['command'] } },
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

/** `entries`: for a table with free names, the schema of what stands under each. */
function toObject(scope: FieldScope, entries: Readonly<Record<string, Schema>> = {}): Schema {
  const properties = [...fieldsOfScope(scope)].map(([key, row]) => {
    const entry = Object.hasOwn(entries, key) ? entries[key] : undefined
    return [key, describe(row, entry === undefined ? toSchema(row, key) : toMap(entry))] as const
  })
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  }
}

function toMap(entry: Schema): Schema {
  return {
    type: 'object',
    propertyNames: fieldTypes.name.schema,
    additionalProperties: entry,
    minProperties: 1,
  }
}

/** A setting with settings below it is a table, or what stands for a table. */
function toSchema(row: FieldRow, key: string): Schema {
  const { schema } = fieldTypes[row.type]
  const scope: FieldScope = `service.${key}`
  if (row.key.includes('.') || fieldsOfScope(scope).size === 0) return schema
  const table = toObject(scope)
  return row.type === 'table' ? table : { anyOf: [schema, table] }
}

function describe(row: FieldRow, schema: Schema): Schema {
  const byDefault = row.default.replaceAll('`', '')
  return { description: `${row.doc} Default: ${byDefault}.`, ...schema }
}
