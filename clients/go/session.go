package roster

import (
	"context"
	"errors"

	"github.com/roster-api/roster/clients/go/gen"
)

// SignIn starts a session and returns who has signed in, and the session's token,
// which is shown this once. It does not change the client; a copy that calls by the
// session is
//
//	mine, err := client.With(roster.WithToken(token))
//
// Whoever cannot sign in gets [ErrorCodeSignInFailed], whatever the reason. A try
// whose answer was lost is repeated: what the first one began ends by itself when
// it has been idle.
func (c *Client) SignIn(ctx context.Context, email, password string, options ...CallOption) (who *Identity, token string, err error) {
	call := writing(newCall(gen.NewSignInRequest(c.server, SignIn{Email: email, Password: password, Token: Ptr(true)})), options)
	call.public, call.idempotent = true, true
	session, err := fetch[SignedIn](ctx, c, call)
	if err != nil {
		return nil, "", err
	}
	if session.Token == nil || *session.Token == "" {
		return nil, "", call.fail(errors.New("the answer has no token"))
	}
	return &session.Identity, *session.Token, nil
}

// GetSession returns who is calling, by a session or a key, and what they may do.
func (c *Client) GetSession(ctx context.Context, options ...CallOption) (*Identity, error) {
	return fetch[Identity](ctx, c, reading(newCall(gen.NewGetSessionRequest(c.server)), options))
}

// SignOut ends the session that calls. A client that signs in by itself does so
// again at its next call; where it has no session just now, there is nothing to do.
func (c *Client) SignOut(ctx context.Context, options ...CallOption) error {
	call := writing(newCall(gen.NewSignOutRequest(c.server)), options)
	renewable := c.credential != nil && c.credential.source != nil
	if renewable {
		call.token, call.renewed = c.credential.held(), true
		if call.token == "" {
			return call.err
		}
		defer c.credential.drop(call.token)
	}
	_, err := c.do(ctx, call, nil)
	var e *APIError
	if errors.As(err, &e) && e.Code == ErrorCodeUnauthenticated && (e.lost || renewable) {
		return nil // it has ended already
	}
	return err
}
