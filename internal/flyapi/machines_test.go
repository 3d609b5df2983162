package flyapi

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const ours = "0123456789abcdef" // the nonce of our lease

// shopWorld has an app with one Machine m1, which we leased.
func shopWorld(t *testing.T, config flysim.Config) *world {
	t.Helper()
	w := newWorld(t, config)
	w.AddApp(flysim.App{Name: "shop"})
	m := flysim.Web{}.Machine("ams")
	m.ID, m.Name = "m1", "bold-sun"
	m.Lease = &flysim.Lease{Nonce: ours, Owner: "we", Expires: flysim.Epoch.Add(time.Minute)}
	w.AddMachine("shop", m)
	return w
}

// machine returns a Machine as the server has it.
func (w *world) machine(id string) flysim.Machine {
	w.t.Helper()
	for _, m := range w.Machines("shop") {
		if m.ID == id {
			return m
		}
	}
	w.t.Fatalf("no Machine %s", id)
	return flysim.Machine{}
}

// do makes a call that is to succeed.
func (w *world) do(c apply.Call) apply.Answer {
	w.t.Helper()
	answer, err := w.client.Do(w.t.Context(), c)
	if err != nil {
		w.t.Fatalf("%s: %v", c.Action, err)
	}
	return answer
}

// fails makes a call that is to fail.
func (w *world) fails(c apply.Call) *apply.Failure {
	w.t.Helper()
	_, err := w.client.Do(w.t.Context(), c)
	var f *apply.Failure
	if !errors.As(err, &f) {
		w.t.Fatalf("%s: %v is not a Failure", c.Action, err)
	}
	return f
}

const someConfig = `{"image":"registry.fly.io/shop:1","env":{"A":"<1>"},"guest":{"cpus":1},"new_field":{"deep":[1.50,12345678901234567890,null]}}`

// calls are one of each action, on m1.
func calls() []apply.Call {
	on := func(action apply.Action, nonce string) apply.Call {
		return apply.Call{Action: action, App: "shop", Machine: "m1", Nonce: nonce}
	}
	lease, renew, mark, unmark := on(apply.Lease, ""), on(apply.Renew, ours), on(apply.Mark, ours), on(apply.Unmark, ours)
	lease.TTL, renew.TTL = 30*time.Second, 30*time.Second
	mark.Key, mark.Value, unmark.Key = "fly_placer_retire", "d1", "fly_placer_retire"
	stop, await := on(apply.Stop, ours), on(apply.Await, "")
	stop.Signal, stop.Timeout = "SIGTERM", 90*time.Second
	await.States, await.Timeout = []string{"started", "failed"}, 1500*time.Millisecond
	create := apply.Call{
		Action: apply.Create, App: "shop", Name: "fp-1", Region: "fra", TTL: 30 * time.Second, Config: json.RawMessage(someConfig),
	}
	return []apply.Call{
		lease, renew, create, mark, unmark, on(apply.Uncordon, ours), on(apply.Cordon, ours), stop,
		on(apply.Destroy, ours), await, on(apply.Release, ours),
	}
}

func callOf(action apply.Action) apply.Call {
	all := calls()
	return all[slices.IndexFunc(all, func(c apply.Call) bool { return c.Action == action })]
}

func TestDescribeWritesTheRequestThatIsSent(t *testing.T) {
	const m1 = "/v1/apps/shop/machines/m1"
	want := map[apply.Action]string{
		apply.Lease:    "POST " + m1 + `/lease {"description":"fly-placer","ttl":30}`,
		apply.Renew:    "POST " + m1 + `/lease {"description":"fly-placer","ttl":30}`,
		apply.Release:  "DELETE " + m1 + "/lease",
		apply.Mark:     "POST " + m1 + `/metadata/fly_placer_retire {"value":"d1"}`,
		apply.Unmark:   "DELETE " + m1 + "/metadata/fly_placer_retire",
		apply.Uncordon: "POST " + m1 + "/uncordon",
		apply.Cordon:   "POST " + m1 + "/cordon",
		apply.Stop:     "POST " + m1 + `/stop {"signal":"SIGTERM","timeout":"1m30s"}`,
		apply.Destroy:  "DELETE " + m1 + "?force=true",
		apply.Await:    "GET " + m1 + "/wait?state=started&state=failed&timeout=2",
		apply.Create: `POST /v1/apps/shop/machines {"name":"fp-1","region":"fra","config":` +
			strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(someConfig) + `,"skip_service_registration":true,"lease_ttl":30}`,
	}
	for _, c := range calls() {
		t.Run(string(c.Action), func(t *testing.T) {
			w := shopWorld(t, flysim.Config{})
			text := w.client.Describe(c)
			if text != want[c.Action] {
				t.Errorf("Describe:\n%s, want\n%s", text, want[c.Action])
			}
			if c.Action == apply.Lease {
				w.EndLease("shop", "m1")
			}
			w.do(c)
			requests := w.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d requests", len(requests))
			}
			r := requests[0]
			sent := r.Method + " " + r.Path
			if r.Query != "" {
				sent += "?" + r.Query
			}
			if len(r.Body) > 0 {
				sent += " " + string(r.Body)
			}
			if sent != text {
				t.Errorf("sent\n%s, described\n%s", sent, text)
			}
			if got := r.Header.Get("fly-machine-lease-nonce"); got != c.Nonce {
				t.Errorf("the nonce was %q", got)
			}
		})
	}
	stop := callOf(apply.Stop)
	stop.Timeout = 0
	if got := (&Client{}).Describe(stop); got != "POST "+m1+`/stop {"signal":"SIGTERM"}` {
		t.Errorf("a stop without a timeout is %q", got)
	}
	stop.Signal = ""
	if got := (&Client{}).Describe(stop); got != "POST "+m1+"/stop" {
		t.Errorf("a stop as it is configured is %q", got)
	}
}

// The life of a Machine that is made, and of one that goes.
func TestCallsHaveTheirEffect(t *testing.T) {
	w := shopWorld(t, flysim.Config{})
	made := w.do(callOf(apply.Create))
	id := made.Machine.ID
	m := w.machine(id)
	if m.Name != "fp-1" || m.Region != "fra" || !m.Cordoned || m.Lease == nil || m.Lease.Nonce != made.Nonce || made.Machine.Region != "fra" {
		t.Errorf("made %+v, answer %+v", m, made)
	}
	on := func(c apply.Call) apply.Call {
		c.Machine, c.Nonce = id, made.Nonce
		return c
	}
	w.do(on(callOf(apply.Await)))
	renewed := w.do(on(callOf(apply.Renew)))
	if want := flysim.Epoch.Add(30 * time.Second); renewed.Nonce != made.Nonce || !renewed.Expires.Equal(want) {
		t.Errorf("renewed %+v", renewed)
	}
	w.do(on(callOf(apply.Uncordon)))
	w.do(on(callOf(apply.Mark)))
	got, err := w.client.Get(t.Context(), "shop", id)
	if err != nil || got.State != "started" || got.Cordoned || got.Config.Metadata["fly_placer_retire"] != "d1" || got.Lease == nil || got.Version == "" {
		t.Errorf("%+v, %v", got, err)
	}
	w.do(on(callOf(apply.Unmark)))
	w.do(on(callOf(apply.Unmark)))
	w.do(on(callOf(apply.Cordon)))
	stop := on(callOf(apply.Stop))
	stop.Signal = "SIGKILL"
	w.do(stop)
	stopped := on(callOf(apply.Await))
	stopped.States, stopped.Version = []string{"stopped"}, got.Version
	w.do(stopped)
	if m := w.machine(id); m.State != "stopped" || !m.Cordoned {
		t.Errorf("stopped %+v", m)
	}
	w.do(on(callOf(apply.Release)))
	w.do(on(callOf(apply.Release)))
	lease := w.do(on(callOf(apply.Lease)))
	destroy := on(callOf(apply.Destroy))
	destroy.Nonce = lease.Nonce
	w.do(destroy)
	w.do(destroy)
	machines, err := w.client.List(t.Context(), "shop")
	if err != nil || len(machines) != 1 || machines[0].ID != "m1" || machines[0].Lease == nil {
		t.Errorf("%+v, %v", machines, err)
	}
}

func TestConfigurationsAreCopiedWithAllTheirFields(t *testing.T) {
	w := shopWorld(t, flysim.Config{PageSize: 1})
	w.do(callOf(apply.Create))
	broken := flysim.Web{}.Machine("ams")
	broken.ID, broken.HostStatus = "broken", "unreachable"
	w.AddMachine("shop", broken)
	machines, err := w.client.List(t.Context(), "shop")
	if err != nil || len(machines) != 3 {
		t.Fatalf("%+v, %v", machines, err)
	}
	for _, m := range machines {
		one, err := w.client.Get(t.Context(), "shop", m.ID)
		if diff := cmp.Diff(m, one); err != nil || diff != "" {
			t.Errorf("listed and read differ: %v\n%s", err, diff)
		}
		if m.Name == "fp-1" {
			if diff := cmp.Diff(decode(t, []byte(someConfig)), decode(t, m.Raw)); diff != "" {
				t.Errorf("the configuration changed on its way:\n%s", diff)
			}
		}
		if (m.Raw == nil) != (m.ID == "broken") {
			t.Errorf("the configuration of %s is %q", m.ID, m.Raw)
		}
	}
}

// decode keeps numbers as they are written.
func decode(t *testing.T, text []byte) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
