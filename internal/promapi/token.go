package promapi

import (
	"fmt"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// Scheme returns the Authorization header for a token in any form in which
// people paste it: bare, as flyctl prints it ("FlyV1 fm2_…"), or with a
// "Bearer " in front. See [secret.Token.Authorization] for what goes out.
//
// White space around the token and its commas is dropped; elsewhere inside it
// is an error. No error repeats the token.
func Scheme(token string) (header string, err error) {
	t := secret.New(token)
	if err := t.Validate(); err != nil {
		return "", hint.Wrap(fmt.Errorf("read metrics token: %w", err),
			"create one with `fly tokens create readonly ORG`; paste it whole, on one line, without quotes")
	}
	return t.Authorization(), nil
}
