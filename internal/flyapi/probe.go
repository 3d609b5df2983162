package flyapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// A TokenScope is what Fly.io tells about one macaroon of the client's token. It
// tells neither when it expires nor whether it may write.
type TokenScope struct {
	// Org is the slug of the organization that it is for; it may be empty.
	Org string
	// Apps are those that it names. That it names none need not mean all.
	Apps []string
	// Machine is the ID of the only Machine that may use it; "" for any.
	Machine string
}

// Scopes asks Fly.io what the client's token is for, a TokenScope for each of its
// macaroons. It fails where the API does not know the question, or the token is
// none of Fly.io's macaroons.
func (c *Client) Scopes(ctx context.Context) ([]TokenScope, error) {
	ctx, cancel := asOptional(ctx)
	defer cancel()
	var answer struct {
		Tokens []struct {
			Org     string   `json:"org_slug"`
			Apps    []string `json:"apps"`
			Machine string   `json:"restricted_to_machine"`
		} `json:"tokens"`
	}
	if _, err := c.get(ctx, "/tokens/current", &answer); err != nil {
		return nil, fmt.Errorf("ask what the token is for: %w", err)
	}
	if len(answer.Tokens) == 0 {
		return nil, hint.Wrap(errors.New("ask what the token is for: the answer names no token"), "%s", notFly)
	}
	clean := func(text string) string { return secret.Excerpt(text, longestText, c.token) }
	scopes := make([]TokenScope, len(answer.Tokens))
	for i, t := range answer.Tokens {
		scopes[i] = TokenScope{Org: clean(t.Org), Machine: clean(t.Machine)}
		for _, app := range t.Apps {
			scopes[i].Apps = append(scopes[i].Apps, clean(app))
		}
	}
	return scopes, nil
}
