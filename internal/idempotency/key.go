package idempotency

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Key is the header of a request that is carried out once. Embed it in an input.
type Key struct {
	Header string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[!-~]+$" doc:"1 to 255 visible ASCII characters of the caller's choice, such as a UUID, which make it safe to send the request again: for 24 hours, a request with the same key and the same body is carried out once, and later ones get the answer of the first. Another body: idempotency_mismatch. What was refused is not remembered." example:"8e03978e-40d5-43dd-bc93-6894a57f9324"`
}

// Resolve refuses what the schema cannot: to Huma, an empty header is none, and of
// many the first counts.
func (k *Key) Resolve(ctx huma.Context) []error {
	const name = "Idempotency-Key"
	lines := 0
	ctx.EachHeader(func(n, _ string) {
		if strings.EqualFold(n, name) {
			lines++
		}
	})
	var message string
	switch {
	case lines > 1:
		message = "repeated|must stand once"
	case lines == 1 && k.Header == "":
		message = "empty|must not be empty; leave it out instead"
	default:
		return nil
	}
	return []error{&huma.ErrorDetail{Location: "header." + name, Message: message}}
}
