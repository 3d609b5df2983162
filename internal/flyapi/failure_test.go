package flyapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const holdsTil = "2026-11-02T10:00:00Z"

// Each call meets each failure. What is not told apart by words must at least
// never be called without effect when it had one.
func TestEveryFailureOfEveryCall(t *testing.T) {
	kinds := map[string]apply.Kind{
		"400": apply.Invalid, "401": apply.Denied, "403 unauthorized": apply.Denied, "403 Your": apply.Quota, "404": apply.Gone,
		"409 aborted: machine update": apply.Changed, "409 machine ID": apply.Leased,
		"409 aborted: could not reserve": apply.HostFull, "409 aborted: insufficient": apply.NoRoom,
		"409 aborted: insufficient resources available to fulfill request: not": apply.HostFull, "409 already_exists": apply.NameTaken,
		"412 insufficient": apply.HostFull, "412 failed_precondition: deploys": apply.HostFull, "412 failed_precondition: governor": apply.Changed,
		"422 could not": apply.NoRoom, "422 Your": apply.Quota, "429": apply.Limited,
		"408": apply.Unclear, "5": apply.Unclear, "reset": apply.Unclear, "the answer breaks": apply.Unclear, "truncated": apply.Unclear,
	}
	for _, fault := range flysim.Failures() {
		kind, longest := apply.Kind(""), -1
		for start, k := range kinds {
			if strings.HasPrefix(fault.Name, start) && len(start) > longest {
				kind, longest = k, len(start)
			}
		}
		if kind == "" {
			t.Errorf("no kind for %q", fault.Name)
		}
		for _, c := range calls() {
			want := kind
			gone := fault.Status == http.StatusNotFound
			switch {
			case gone && slices.Contains([]apply.Action{apply.Release, apply.Unmark, apply.Destroy}, c.Action):
				want = ""
			case c.Action == apply.Await && fault.Status == http.StatusRequestTimeout:
				want = apply.NotYet
			case (fault.Kind == flysim.Truncated || fault.Kind == flysim.Cut) && (c.Action == apply.Mark || c.Action == apply.Unmark):
				want = "" // the answer is empty anyway
			}
			t.Run(fault.Name+"/"+string(c.Action), func(t *testing.T) { oneFailure(t, fault, c, want) })
		}
	}
}

func oneFailure(t *testing.T, fault flysim.Fault, c apply.Call, want apply.Kind) {
	w := shopWorld(t, flysim.Config{})
	if c.Action == apply.Lease {
		w.EndLease("shop", "m1")
	}
	w.Inject(fault)
	if want == "" {
		w.do(c)
		return
	}
	f := w.fails(c)
	if f.Kind != want {
		t.Errorf("%v is %q, want %q", f, f.Kind, want)
	}
	if effect := want == apply.Unclear && c.Action != apply.Await; f.Effect != effect || fault.Done && c.Action != apply.Await && !f.Effect {
		t.Errorf("%v: effect %v", f, f.Effect)
	}
	if f.Kind == apply.Leased && (f.Holder != "ann@tokens.fly.io" || f.Until.Format(time.RFC3339) != holdsTil) {
		t.Errorf("held by %q until %s", f.Holder, f.Until)
	}
	if want := map[bool]time.Duration{true: 2 * time.Second}[fault.RetryAfter != ""]; f.After != want {
		t.Errorf("after %s, want %s", f.After, want)
	}
	if len(hint.Of(f)) == 0 {
		t.Errorf("%v says nothing of what to do", f)
	}
	if n := len(w.Requests()); n != 1 || w.slept() != nil {
		t.Errorf("%d requests, waits %v", n, w.slept())
	}
	var e *Error
	if !errors.As(f, &e) {
		t.Errorf("%v has no *Error", f)
	}
	harmless(t, f)
}

// harmless looks for secrets in a failure.
func harmless(t *testing.T, f *apply.Failure) {
	t.Helper()
	text := fmt.Sprintf("%v\n%+v\n%#v", f, f, f)
	var e *Error
	if errors.As(f, &e) {
		text += fmt.Sprintf("%#v %s", e, e.Body)
	}
	leaks(t, text)
	if strings.Contains(text, ours) {
		t.Errorf("the nonce is in:\n%s", text)
	}
}

func TestFailuresTellWhatTheyKnow(t *testing.T) {
	t.Run("a name that is taken", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		first := w.do(callOf(apply.Create))
		f := w.fails(callOf(apply.Create))
		if f.Kind != apply.NameTaken || f.Holder != first.Machine.ID || f.Effect {
			t.Errorf("%+v: %q by %q", f, f.Kind, f.Holder)
		}
	})
	t.Run("a name that is taken, as another server says", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		w.Inject(flysim.Fault{Status: 422, Body: `{"error":"already_exists: unique machine name violation, machine ID 3d8d10aa already exists with name \"fp-1\""}`})
		if f := w.fails(callOf(apply.Create)); f.Kind != apply.NameTaken || f.Holder != "3d8d10aa" {
			t.Errorf("%+v: %q by %q", f, f.Kind, f.Holder)
		}
	})
	t.Run("another region", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		w.Inject(flysim.Fault{Kind: flysim.WrongRegion, Region: "iad"})
		answer, err := w.client.Do(t.Context(), callOf(apply.Create))
		var f *apply.Failure
		if !errors.As(err, &f) || f.Kind != apply.WrongPlace || !f.Effect || answer.Machine.Region != "iad" || answer.Nonce == "" ||
			answer.Machine.ID != w.Machines("shop")[1].ID {
			t.Errorf("%+v, %v", answer, err)
		}
		if err != nil && (!strings.Contains(err.Error(), `in "iad" instead of "fra"`) || strings.Contains(fmt.Sprintf("%#v", f), answer.Nonce)) {
			t.Errorf("%#v", f)
		}
	})
	t.Run("a lease that ran out", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		w.EndLease("shop", "m1")
		if f := w.fails(callOf(apply.Renew)); f.Kind != apply.Changed || f.Effect {
			t.Errorf("%+v is %q", f, f.Kind)
		}
		w.do(callOf(apply.Release))
	})
	t.Run("another version", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		c := callOf(apply.Await)
		c.Version = "01OLD"
		if f := w.fails(c); f.Kind != apply.Changed || f.Effect {
			t.Errorf("%+v is %q", f, f.Kind)
		}
	})
	t.Run("a Machine that is gone", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		_, err := w.client.Get(t.Context(), "shop", "m9")
		var f *apply.Failure
		if !errors.As(err, &f) || f.Kind != apply.Gone || err.Error() == "" {
			t.Errorf("%v", err)
		}
	})
	t.Run("an echo of the nonce", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		w.Inject(flysim.Fault{Status: 409, Body: `{"error":"no lease with nonce ` + ours + ` of ` + token + `"}`})
		f := w.fails(callOf(apply.Cordon))
		if f.Kind != apply.Changed {
			t.Errorf("%v is %q", f, f.Kind)
		}
		harmless(t, f)
	})
	t.Run("a token without the right", func(t *testing.T) {
		for _, status := range []int{401, 403} {
			w := shopWorld(t, flysim.Config{})
			w.Inject(flysim.Fault{Status: status})
			if got := strings.Join(hint.Of(w.fails(callOf(apply.Cordon))), " "); !strings.Contains(got, "fly tokens create deploy") {
				t.Errorf("%d: %s", status, got)
			}
		}
	})
	t.Run("no room, in other words", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		w.Inject(flysim.Fault{Status: 422, Body: `{"error":"try elsewhere","status":"insufficient_capacity"}`})
		if f := w.fails(callOf(apply.Create)); f.Kind != apply.NoRoom {
			t.Errorf("%+v is %q", f, f.Kind)
		}
	})
	t.Run("a web page", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		w.Inject(flysim.Fault{Kind: flysim.HTML})
		if f := w.fails(callOf(apply.Cordon)); f.Kind != apply.Unclear || !f.Effect {
			t.Errorf("%+v is %q", f, f.Kind)
		}
	})
	t.Run("an end before the start", func(t *testing.T) {
		w := shopWorld(t, flysim.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.client.Do(ctx, callOf(apply.Cordon))
		var f *apply.Failure
		if !errors.As(err, &f) || f.Kind != apply.Unsent || f.Effect || len(w.Requests()) > 0 {
			t.Errorf("%v", err)
		}
	})
}

// serverWith answers every request in the same way.
func serverWith(t *testing.T, body string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	t.Cleanup(server.Close)
	client, err := New(t.Context(), Options{APIURL: server.URL, Token: secret.New(token)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestALeaseEndsInEitherFormat(t *testing.T) {
	want := flysim.Epoch.Add(time.Minute)
	for _, expires := range []string{fmt.Sprint(want.Unix()), `"2026-11-02T09:01:00Z"`, `"2026-11-02T10:01:00+01:00"`} {
		client := serverWith(t, `{"status":"success","data":{"nonce":"n","expires_at":`+expires+`}}`)
		if got, err := client.Do(t.Context(), callOf(apply.Lease)); err != nil || got.Nonce != "n" || !got.Expires.Equal(want) {
			t.Errorf("%s: %+v, %v", expires, got, err)
		}
	}
	for text, want := range map[string]string{
		"2026-11-02T10:00:00Z": holdsTil, "2026-11-02 10:00:00.5 +0000 UTC": holdsTil, "1793613600": holdsTil, "soon": "0001-01-01T00:00:00Z",
	} {
		if got := parseUntil(text).Format(time.RFC3339); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestAHostThatIsNotOkTellsNoConfiguration(t *testing.T) {
	client := serverWith(t, `{"id":"m1","host_status":"unreachable","config":`+someConfig+`}`)
	if m, err := client.Get(t.Context(), "shop", "m1"); err != nil || m.Raw != nil || m.Config != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

// An answer that does not say what was made may stand for anything.
func TestAnswersThatMissTheirSubject(t *testing.T) {
	for _, action := range []apply.Action{apply.Lease, apply.Renew, apply.Create} {
		_, err := serverWith(t, `{}`).Do(t.Context(), callOf(action))
		var f *apply.Failure
		if !errors.As(err, &f) || f.Kind != apply.Unclear || !f.Effect || len(hint.Of(err)) == 0 {
			t.Errorf("%s: %v", action, err)
		}
	}
}

func TestARefusedConnectionHadNoEffect(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	client, err := New(t.Context(), Options{APIURL: "http://" + listener.Addr().String(), Token: secret.New(token)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls() {
		_, err := client.Do(t.Context(), c)
		var f *apply.Failure
		if !errors.As(err, &f) || f.Kind != apply.Unsent || f.Effect {
			t.Errorf("%s: %v", c.Action, err)
		}
	}
}

// Paths are made of what is checked, and all mistakes are named at once.
func TestCallsThatAreWrongAreNotSent(t *testing.T) {
	w := shopWorld(t, flysim.Config{})
	for name, test := range map[string]struct {
		call apply.Call
		want []string
	}{
		"lease":   {apply.Call{Action: apply.Lease, App: "../x", Machine: "m1/../m2", TTL: 1500 * time.Millisecond}, []string{"app", "ID", "whole seconds"}},
		"renew":   {apply.Call{Action: apply.Renew, App: "shop", Machine: "m1", TTL: time.Second}, []string{"nonce"}},
		"release": {apply.Call{Action: apply.Release, App: "shop", Machine: "m1"}, []string{"nonce"}},
		"create":  {apply.Call{Action: apply.Create, App: "shop", Region: "ams,fra", Config: json.RawMessage(`null`)}, []string{"name", "region", "JSON object", "whole seconds"}},
		"mark":    {apply.Call{Action: apply.Mark, App: "shop", Machine: "m1", Key: "a/b"}, []string{"key"}},
		"await":   {apply.Call{Action: apply.Await, App: "shop", Machine: "m1"}, []string{"state"}},
		"stop":    {apply.Call{Action: apply.Stop, App: "shop", Machine: "m1", Timeout: -1}, []string{"negative"}},
		"other":   {apply.Call{Action: "restart", App: "shop", Machine: "m1"}, []string{"no such action"}},
	} {
		f := w.fails(test.call)
		for _, want := range test.want {
			if f.Kind != apply.Invalid || f.Effect || !strings.Contains(f.Error(), want) {
				t.Errorf("%s: %v lacks %q", name, f, want)
			}
		}
	}
	if n := len(w.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// An Await outlasts the time of other reads, but not for ever.
func TestAwaitHasATimeOfItsOwn(t *testing.T) {
	tr := newTransport(Options{ReadTimeout: time.Second}, nil)
	call := callOf(apply.Await)
	for asked, want := range map[time.Duration]time.Duration{
		-time.Second: time.Second, 0: time.Second, 1: time.Second, 1500 * time.Millisecond: 2 * time.Second, time.Hour: time.Minute,
	} {
		call.Timeout = asked
		most, timeout := tr.patience(asAwait(t.Context(), awaitTime(call)))
		if most != 1 || timeout != want+time.Second {
			t.Errorf("%s: %d times %s", asked, most, timeout)
		}
	}
}
