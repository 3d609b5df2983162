package flyapi

import (
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

func TestBadOptionsAreReportedTogetherAndNothingIsSent(t *testing.T) {
	_, err := New(t.Context(), Options{APIURL: "http://api.example.com", GraphQLURL: "https://user:pass@example.com/graphql"})
	for _, want := range []string{"Machines API URL", "loopback", "GraphQL URL", "the token is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %q", err, want)
		}
	}
	if len(hint.Of(err)) < 3 {
		t.Errorf("next steps: %q", hint.Of(err))
	}
	for _, url := range []string{
		"http://10.0.0.1", "ftp://localhost", "api.machines.dev", "https://", "https://x?y=1", "https://x#y", "http://localhost.evil.example", "://",
		"https://:443", "https://x?", "https://x#", "http://LOCALHOST:1",
	} {
		if _, err := New(t.Context(), Options{APIURL: url, GraphQLURL: DefaultGraphQLURL, Token: secret.New(token)}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
	for _, url := range []string{"https://api.example.com", "http://localhost:1", "http://127.0.0.1:1/", "http://[::1]:1"} {
		if _, err := New(t.Context(), Options{APIURL: url, Token: secret.New(token)}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, text := range []string{"", "FlyV1 ", "FlyV1 fm2_lJPECAAAAAAAATQx,,fm2_x", "fm2_lJPECAAAA\nAAAATQx"} {
		_, err := New(t.Context(), Options{Token: secret.New(text)})
		if err == nil || len(hint.Of(err)) != 1 {
			t.Errorf("token %q: %v", text, err)
		} else {
			leaks(t, err.Error())
		}
	}
}

func TestNamesThatAreNoAppsAreNotSent(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	for _, name := range []string{"", "Shop", "-shop", "shop/../blog", "shop?x=y", "shop machines", "läden", "shop%2f"} {
		if _, err := w.client.App(t.Context(), name); err == nil || len(hint.Of(err)) != 1 {
			t.Errorf("App(%q): %v", name, err)
		}
		if _, err := w.client.Org(t.Context(), name); err == nil {
			t.Errorf("Org(%q) is taken", name)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestTokensAreTakenAsPeoplePasteThem(t *testing.T) {
	bare := strings.TrimPrefix(token, "FlyV1 ")
	for name, pasted := range map[string]string{
		"as printed": token, "without scheme": bare, "with the wrong scheme": "Bearer " + bare, "with both": "Bearer " + token,
		"with blanks": "  " + token + "\n", "with a blank after the comma": strings.Replace(token, ",", ", ", 1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, flysim.Config{})
			w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
			app, err := w.dial(Options{Token: secret.New(pasted)}).App(t.Context(), "shop")
			if err != nil || len(app.Unread) != 0 {
				t.Errorf("%v, unread %v", err, app.Unread)
			}
			for _, r := range w.Requests() {
				if got := r.Header.Get("Authorization"); got != token {
					t.Errorf("%s was sent %q", r.Route, got)
				}
			}
		})
	}
	t.Run("a user's token", func(t *testing.T) {
		w := newWorld(t, flysim.Config{Token: "user-token-of-somebody"})
		w.AddApp(flysim.App{Name: "shop"})
		if app, err := w.dial(Options{Token: secret.New("user-token-of-somebody")}).App(t.Context(), "shop"); err != nil || len(app.Unread) != 0 {
			t.Errorf("%v, unread %v", err, app.Unread)
		}
	})
}
