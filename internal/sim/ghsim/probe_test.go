package ghsim_test

import (
	"errors"
	"testing"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// What a client can learn about a token without writing.
func TestWhatATokenTellsAboutItself(t *testing.T) {
	read := map[string]string{"contents": "read", "pull-requests": "read"}
	for name, test := range map[string]struct {
		who             ghsim.Identity
		login           string
		may, known      bool
		pulls, setting  error // why these cannot be read
		allowsOpenPulls bool
	}{
		"a workflow's":           {ghsim.Identity{}, bot, false, false, nil, ghapi.ErrReadOnly, false},
		"a workflow's, narrowed": {ghsim.Identity{Permissions: map[string]string{"contents": "read"}}, bot, false, false, ghapi.ErrReadOnly, ghapi.ErrReadOnly, false},
		"an owner's, classic":    {ghsim.Identity{Kind: ghsim.User, Scopes: []string{"repo"}}, "octocat", true, true, nil, nil, true},
		"an owner's, fine":       {ghsim.Identity{Kind: ghsim.User}, "octocat", false, false, nil, nil, true},
		"a reader's":             {ghsim.Identity{Kind: ghsim.User, Permissions: read, Scopes: []string{"repo"}}, "octocat", false, true, nil, ghapi.ErrReadOnly, false},
	} {
		t.Run(name, func(t *testing.T) {
			secret := token // whose prefix tells that it is a workflow's
			if test.who.Kind == ghsim.User {
				secret = "ghp_S3cret"
			}
			w := start(t, ghsim.Config{Private: true, Tokens: map[string]ghsim.Identity{secret: test.who}})
			p := w.client(t, func(o *ghapi.Options) { o.Token = secret }).Probe(t.Context(), repo)
			may, known := p.Write()
			if p.Login != test.login || p.Branch != "main" || !p.Private || may != test.may || known != test.known || p.ActionsPulls != test.allowsOpenPulls {
				t.Errorf("%+v, may write: %t, known: %t", p, may, known)
			}
			if p.LoginErr != nil || p.RepoErr != nil || p.ContentsErr != nil || !errors.Is(p.PullsErr, test.pulls) || !errors.Is(p.SettingErr, test.setting) {
				t.Errorf("%+v", p)
			}
		})
	}
}
