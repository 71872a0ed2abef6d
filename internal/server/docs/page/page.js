// Starts Swagger UI on this server's own document.

// The order of a resource's operations; the document has them by the alphabet.
const methods = ['get', 'post', 'put', 'patch', 'delete']

function byPathThenMethod(a, b) {
  const [pathA, pathB] = [a.get('path'), b.get('path')]
  if (pathA !== pathB) return pathA < pathB ? -1 : 1
  return methods.indexOf(a.get('method')) - methods.indexOf(b.get('method'))
}

// Swagger UI has dark colours, under a class. Its own switch comes with a top bar
// that this page does without: follow the system.
const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

// Two parts of Swagger UI as this page has them.
const parts = ({ React }) => {
  const h = React.createElement

  // Each operation can be refused in a dozen ways, each with headers and examples:
  // a line each, until one is opened.
  const response = (Response) => (props) => {
    const [open, setOpen] = React.useState(false)
    if (props.code < '400') return h(Response, props)
    const words = props.response.get('description').replaceAll('`', '')
    const line = h('tr', { key: 'line', className: 'refusal' },
      h('td', { className: 'response-col_status' }, props.code),
      h('td', { className: 'response-col_description' },
        h('button', { type: 'button', 'aria-expanded': open, onClick: () => setOpen(!open) }, words)))
    return open ? [line, h(Response, { ...props, key: 'whole' })] : line
  }

  // A cookie is nothing to type in.
  const authorizeBtn = (Button) => (props) => [
    h('p', { key: 'hint', className: 'sign-in' },
      'To try the operations out, execute ', h('b', null, 'signIn'), ': the browser then keeps the session. ',
      'Or give a key, or a token, to Authorize.'),
    h(Button, { ...props, key: 'button' }),
  ]

  return { wrapComponents: { response, authorizeBtn } }
}

SwaggerUIBundle({
  url: '/openapi.yaml',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  operationsSorter: byPathThenMethod,
  persistAuthorization: false, // a token stays in memory
  plugins: [parts],
  queryConfigEnabled: false, // no link may show another document here
  showExtensions: true,
  syntaxHighlight: { theme: 'tomorrow-night' }, // the one whose every colour can be read
  tryItOutEnabled: true,
  validatorUrl: null, // Swagger's online validator is a third party
})
