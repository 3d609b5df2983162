package promapi

import (
	"fmt"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// Scheme returns the Authorization header for a token in any form in which
// people paste it: bare, as flyctl prints it ("FlyV1 fm2_…"), or with a
// "Bearer " in front.
//
// The prefix of the token decides, never where it came from: macaroons (also
// several, joined by commas) go out as "FlyV1 …", and so does what was pasted
// with that scheme; anything else as "Bearer …". Fly.io answers a macaroon
// sent as Bearer with 401 "something went wrong resolving organization", so a
// "Bearer " before a macaroon or before "FlyV1 " is dropped. White space
// around the token and its commas is dropped too; elsewhere inside it is an
// error. No error repeats the token.
func Scheme(token string) (header string, err error) {
	t := secret.New(token)
	if err := t.Validate(); err != nil {
		return "", hint.Wrap(fmt.Errorf("read metrics token: %w", err),
			"create one with `fly tokens create readonly ORG`; paste it whole, on one line, without quotes")
	}
	bare := t.Bare()
	scheme := "Bearer"
	if given := strings.TrimSuffix(t.Reveal(), bare); t.Macaroon() || strings.Contains(strings.ToLower(given), "flyv1") {
		scheme = "FlyV1"
	}
	pieces := strings.Split(bare, ",")
	for i, piece := range pieces {
		pieces[i] = strings.TrimSpace(piece)
	}
	return scheme + " " + strings.Join(pieces, ","), nil
}
