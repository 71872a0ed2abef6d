package passwordresets_test

import (
	"errors"
	"testing"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/api/passwordresets"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestAWrongTokenIsNotHashedFor has no hasher: whoever asks it panics.
func TestAWrongTokenIsNotHashedFor(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	user := testkit.User(t, pool, dbsqlc.User{})
	p := passwordresets.New(pool, nil, nil, limit.SignIn{})
	good, wrong := auth.NewResetToken(), auth.NewResetToken()
	hash := good.Hash()
	if _, err := dbsqlc.New(pool).PutPasswordReset(t.Context(), dbsqlc.PutPasswordResetParams{UserID: user.ID, Hash: hash[:], Seconds: 60}); err != nil {
		t.Fatal(err)
	}
	for _, token := range []auth.Token{wrong, "", good[1:]} {
		err := p.Redeem(t.Context(), passwordresets.PasswordResetRedeem{Token: string(token), NewPassword: "tulip mania of 1637"})
		var e *problem.Error
		if !errors.As(err, &e) || e.Code != problem.ResetInvalid {
			t.Errorf("%q: got %v, want reset_invalid", token, err)
		}
	}

	defer func() {
		if recover() == nil {
			t.Error("a good token is not hashed for: this test shows nothing")
		}
	}()
	_ = p.Redeem(t.Context(), passwordresets.PasswordResetRedeem{Token: string(good), NewPassword: "tulip mania of 1637"})
}
