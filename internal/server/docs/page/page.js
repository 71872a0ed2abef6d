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

SwaggerUIBundle({
  url: '/openapi.yaml',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  operationsSorter: byPathThenMethod,
  persistAuthorization: false, // a token stays in memory
  queryConfigEnabled: false, // no link may show another document here
  showExtensions: true,
  syntaxHighlight: { theme: 'tomorrow-night' }, // the one whose every colour can be read
  tryItOutEnabled: true,
  validatorUrl: null, // Swagger's online validator is a third party
})
