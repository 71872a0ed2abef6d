package server

import "net/http"

var (
	ok      = []byte(`{"status":"ok"}` + "\n")
	noStore = []string{"no-store"}
	isJSON  = []string{"application/json"}
)

// health says that the process lives. It asks nobody: a database that is away is
// no reason to kill a server that will heal.
func health(w http.ResponseWriter, _ *http.Request) { answerOK(w) }

func answerOK(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = isJSON
	h["Cache-Control"] = noStore
	_, _ = w.Write(ok)
}
