package flyapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const routeCurrent = "GET /v1/tokens/current"

func TestScopesTellWhatEachMacaroonIsFor(t *testing.T) {
	w := newWorld(t, flysim.Config{TokenApps: []string{"api", "shop"}, TokenMachine: "3d8d9e2f"})
	w.AddApp(flysim.App{Name: "blog", Org: "other"})
	w.AddApp(flysim.App{Name: "shop", Org: "acme"})
	got, err := w.client.Scopes(t.Context())
	one := TokenScope{Org: "acme", Apps: []string{"api", "shop"}, Machine: "3d8d9e2f"}
	if diff := cmp.Diff([]TokenScope{one, one}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := w.client.App(t.Context(), "blog"); err == nil {
		t.Error("the token saw another app than its own")
	}
}

func TestScopesFailWhereNothingIsTold(t *testing.T) {
	for name, fault := range map[string]flysim.Fault{
		"refused":           {Status: 401},
		"an older API":      {Status: 404, Body: "404 page not found"},
		"trouble":           {Status: 500},
		"no token":          {Status: 200, Body: `{"tokens":[]}`},
		"something else":    {Status: 200, Body: `[]`},
		"a page of a proxy": {Kind: flysim.HTML},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, flysim.Config{})
			fault.Route = routeCurrent
			w.Inject(fault)
			scopes, err := w.client.Scopes(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "ask what the token is for: ") {
				t.Errorf("%+v, %v", scopes, err)
			}
			var e *Error
			if fault.Status >= 400 && (!errors.As(err, &e) || e.Status != fault.Status) {
				t.Errorf("%v has not the status %d", err, fault.Status)
			}
		})
	}
}

func TestScopesRepeatNoToken(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	w.Inject(flysim.Fault{Route: routeCurrent, Status: 200, Body: `{"tokens":[{"org_slug":"fm2_qW0rTyUiOpAsDfGhJkLzXcVbNm123456","apps":["fm2_qW0rTyUiOpAsDfGhJkLzXcVbNm123456"]}]}`})
	got, err := w.client.Scopes(t.Context())
	if err != nil || len(got) != 1 || strings.Contains(got[0].Org+got[0].Apps[0], "qW0r") {
		t.Errorf("%+v, %v", got, err)
	}
}
