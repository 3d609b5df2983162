package action

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/fleet"
)

// A rehearsal is the app's Machines as they would be: it reads them once, does
// to its own copy what it is asked to, as if all went well, and keeps the calls.
// Nothing is ever sent that changes anything. A Machine that would be created
// has its name for an ID.
type rehearsal struct {
	apply.Machines
	now func() time.Time

	mu       sync.Mutex
	read     bool
	machines []apply.Machine
	// calls that belong to no step yet, and those of each step that ended. What
	// is done to several Machines at once comes in no order of its own.
	calls []apply.Call
	steps map[apply.Step][]apply.Call
}

// ended takes the calls that a step made: all of its Machine that are left, but
// for the release of its lease, which is no step.
func (h *rehearsal) ended(s apply.Step) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.steps == nil {
		h.steps = map[apply.Step][]apply.Call{}
	}
	var left []apply.Call
	for _, c := range h.calls {
		if cmp.Or(c.Machine, c.Name) == s.Machine && c.Action != apply.Release {
			h.steps[s] = append(h.steps[s], c)
		} else {
			left = append(left, c)
		}
	}
	h.calls = left
}

// List reads the Machines the first time, and tells then what became of them.
func (h *rehearsal) List(ctx context.Context, app string) ([]apply.Machine, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.read {
		machines, err := h.Machines.List(ctx, app)
		if err != nil {
			return nil, err
		}
		h.machines, h.read = machines, true
	}
	return slices.Clone(h.machines), ctx.Err()
}

// Get returns a Machine of the copy.
func (h *rehearsal) Get(_ context.Context, app, id string) (apply.Machine, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.find(id); i >= 0 {
		return h.machines[i], nil
	}
	call := apply.Call{App: app, Machine: id}
	return apply.Machine{}, &apply.Failure{Kind: apply.Gone, Call: call, Err: fmt.Errorf("there is no Machine %s", id)}
}

func (h *rehearsal) find(id string) int {
	return slices.IndexFunc(h.machines, func(m apply.Machine) bool { return m.ID == id })
}

// Do keeps the call, and does it to the copy.
func (h *rehearsal) Do(ctx context.Context, c apply.Call) (apply.Answer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fail := func(kind apply.Kind, err error) (apply.Answer, error) {
		return apply.Answer{}, &apply.Failure{Kind: kind, Call: c, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(apply.Unsent, err)
	}
	if c.Action == apply.Create {
		h.calls = append(h.calls, c)
		return apply.Answer{Nonce: rehearsed, Expires: h.now().Add(c.TTL), Machine: h.create(c)}, nil
	}
	i := h.find(c.Machine)
	if i < 0 {
		return fail(apply.Gone, fmt.Errorf("there is no Machine %s", c.Machine))
	}
	m := &h.machines[i]
	if l := m.Lease; c.Action == apply.Lease && l != nil && l.Expires.After(h.now()) {
		_, err := fail(apply.Leased, fmt.Errorf("%s holds its lease", l.Owner))
		err.(*apply.Failure).Holder, err.(*apply.Failure).Until = l.Owner, l.Expires //nolint:errorlint,forcetypeassert // made above
		return apply.Answer{}, err
	}
	if c.Action != apply.Renew { // how often depends on how long the rest takes
		h.calls = append(h.calls, c)
	}
	h.change(m, c)
	if c.Action == apply.Destroy {
		h.machines = slices.Delete(h.machines, i, i+1)
	}
	return apply.Answer{Nonce: rehearsed, Expires: h.now().Add(c.TTL)}, nil
}

// rehearsed stands for what only Fly.io knows.
const rehearsed = "rehearsed"

func (h *rehearsal) change(m *apply.Machine, c apply.Call) {
	switch c.Action {
	case apply.Mark, apply.Unmark:
		if m.Config == nil {
			return
		}
		config := *m.Config
		config.Metadata = maps.Clone(config.Metadata)
		if c.Action == apply.Mark {
			if config.Metadata == nil {
				config.Metadata = map[string]string{}
			}
			config.Metadata[c.Key] = c.Value
		} else {
			delete(config.Metadata, c.Key)
		}
		m.Config = &config
	case apply.Cordon, apply.Uncordon:
		m.Cordoned = c.Action == apply.Cordon
	case apply.Stop:
		m.State = "stopped"
	case apply.Lease, apply.Renew, apply.Release, apply.Await, apply.Destroy, apply.Create:
	}
}

// create makes the Machine that a call asks for, healthy at once and cordoned.
func (h *rehearsal) create(c apply.Call) apply.Machine {
	now := h.now()
	m := apply.Machine{Version: rehearsed, Raw: c.Config, Machine: fleet.Machine{
		ID: c.Name, Name: c.Name, State: "started", Region: c.Region, HostStatus: "ok", Cordoned: true, Created: now, Updated: now,
		Checks: []fleet.Check{{Name: rehearsed, Status: "passing"}},
	}}
	var raw struct {
		Image    string            `json:"image"`
		Metadata map[string]string `json:"metadata"`
	}
	_ = json.Unmarshal(c.Config, &raw) // it is a copy of a Machine's
	m.Image = raw.Image
	for _, like := range h.machines {
		if like.Config != nil && like.Config.Metadata[keyGroup] == raw.Metadata[keyGroup] {
			config := *like.Config
			config.Metadata = raw.Metadata
			m.Config = &config
		}
	}
	h.machines = append(h.machines, m)
	return m
}

// described writes the calls in the order of the steps, which is always the
// same, with the releases of a process group's leases behind them. The values of
// variables and files are left out: a report is read by more people than a
// configuration.
func (h *rehearsal) described(steps []apply.Step) []string {
	var calls []apply.Call
	slices.SortFunc(h.calls, func(a, b apply.Call) int { return cmp.Compare(a.Machine, b.Machine) })
	var locked []string // Machines of the group
	for i, s := range steps {
		calls, locked = append(calls, h.steps[s]...), append(locked, s.Machine)
		if i < len(steps)-1 && s.Group == steps[i+1].Group {
			continue
		}
		for _, c := range h.calls {
			if slices.Contains(locked, c.Machine) {
				calls = append(calls, c)
			}
		}
		locked = nil
	}
	out := make([]string, len(calls))
	for i, c := range calls {
		c.Config = withoutValues(c.Config)
		if _, err := time.Parse(time.RFC3339, c.Value); err == nil {
			c.Value = "…" // the time of then
		}
		out[i] = h.Describe(c)
	}
	return out
}

// keyGroup is where Fly Launch keeps a Machine's process group.
const keyGroup = "fly_process_group"

// withoutValues leaves out the values of a configuration's env, and the content
// of its files, wherever they stand in it.
func withoutValues(config json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(config))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	out, err := json.Marshal(hidden(v, false))
	if err != nil {
		return nil
	}
	return out
}

func hidden(v any, all bool) any {
	switch x := v.(type) {
	case map[string]any:
		for key := range x {
			x[key] = hidden(x[key], all || key == "env" || key == "raw_value")
		}
	case []any:
		for i := range x {
			x[i] = hidden(x[i], all)
		}
	case nil:
	default:
		if all {
			return "…"
		}
	}
	return v
}

// A fastClock stands still but while somebody sleeps, for a thousandth of the
// time. A slow computer does not make leases run out on it.
type fastClock struct {
	apply.Clock
	mu  sync.Mutex
	now time.Time
}

const faster = 1000

func (c *fastClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fastClock) Sleep(ctx context.Context, d time.Duration) error {
	wake := c.Now().Add(d)
	if err := c.Clock.Sleep(ctx, d/faster); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if wake.After(c.now) {
		c.now = wake
	}
	return nil
}
