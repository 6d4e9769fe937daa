// A web server: a greeting on /, its health on /health. It refuses to start without its migration.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const port = Number(process.env.PORT ?? 8087)
const { version } = JSON.parse(readFileSync('data/schema.json', 'utf8'))
let greetings = 0

const server = createServer((request, response) => {
  if (request.url === '/health') {
    response.setHeader('content-type', 'application/json')
    response.end('{"status":"ok"}\n')
    return
  }
  greetings += 1
  console.log(`${request.method} ${request.url} -> greeting ${greetings}`)
  response.end(`Hello, this is greeting ${greetings} (schema ${version}).\n`)
})

server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}/`))

process.on('SIGTERM', () => {
  console.log('asked to stop: finishing what is open')
  server.close(() => console.log('stopped'))
  server.closeIdleConnections()
})
