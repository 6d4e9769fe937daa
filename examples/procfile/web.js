// A web server that greets with what .env says.

import { createServer } from 'node:http'

const port = Number(process.env.PORT)
const greeting = process.env.GREETING ?? 'Hello'

const server = createServer((request, response) => {
  console.log(`${request.method} ${request.url}`)
  response.end(`${greeting} from the Procfile\n`)
})

server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}/`))
process.on('SIGTERM', () => {
  server.close()
  server.closeIdleConnections()
})
