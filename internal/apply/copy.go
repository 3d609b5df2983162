package apply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"
)

// A config is a Machine's configuration, in which fields that nobody here knows
// survive, and numbers keep their digits.
type config map[string]any

func parseConfig(raw json.RawMessage) (config, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var c config
	if err := d.Decode(&c); err != nil || c == nil {
		return nil, fmt.Errorf("read the configuration to copy: no JSON object")
	}
	return c, nil
}

// copyOf returns the configuration of a new Machine that is like m, with the
// decision's mark. Fly Launch's own metadata stay, the tag of a blue-green
// deployment among them: without it an old flyctl destroys the Machine.
func copyOf(m Machine, digest string) (json.RawMessage, error) {
	c, err := parseConfig(m.Raw)
	if err != nil {
		return nil, err
	}
	c["image"] = m.Image
	delete(c, "standbys")
	if env, ok := c["env"].(map[string]any); ok {
		delete(env, "FLY_STANDBY_FOR")
	}
	metadata, ok := c["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		c["metadata"] = metadata
	}
	for key := range metadata {
		if key == "fly_canary" || key == "fly_flyctl_bluegreen_launch_id" || key == "fly_previous_alloc" || strings.HasPrefix(key, prefix) {
			delete(metadata, key)
		}
	}
	metadata[keyDecision] = digest
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// updated tells whether somebody gave a Machine another image or configuration.
// Its version does not tell: whether our own marks make a new one is not
// documented.
func updated(was, now Machine) bool {
	if was.Image != now.Image {
		return true
	}
	a, errA := parseConfig(was.Raw)
	b, errB := parseConfig(now.Raw)
	if errA != nil || errB != nil { // its host did not tell, then or now
		return false
	}
	for _, c := range []config{a, b} {
		if metadata, ok := c["metadata"].(map[string]any); ok {
			maps.DeleteFunc(metadata, func(key string, _ any) bool { return strings.HasPrefix(key, prefix) })
		}
	}
	return !reflect.DeepEqual(a, b)
}

// checked tells whether m has health checks, its own or its services'.
func (m Machine) checked() bool {
	var c struct {
		Checks   map[string]json.RawMessage `json:"checks"`
		Services []struct {
			Checks []json.RawMessage `json:"checks"`
		} `json:"services"`
	}
	_ = json.Unmarshal(m.Raw, &c) // what is not of this form has none
	n := len(c.Checks)
	for _, s := range c.Services {
		n += len(s.Checks)
	}
	return n > 0
}

// stopConfig is how m is to be stopped: "" and Fly.io's 5 s when it does not
// say. The timeout is a text such as "30s", or nanoseconds.
func (m Machine) stopConfig() (signal string, timeout time.Duration) {
	var c struct {
		Stop struct {
			Signal  string          `json:"signal"`
			Timeout json.RawMessage `json:"timeout"`
		} `json:"stop_config"`
	}
	_ = json.Unmarshal(m.Raw, &c) // what is not of this form says nothing
	var text string
	var n int64
	if json.Unmarshal(c.Stop.Timeout, &text) == nil {
		timeout, _ = time.ParseDuration(text)
	} else if json.Unmarshal(c.Stop.Timeout, &n) == nil {
		timeout = time.Duration(n)
	}
	if timeout <= 0 {
		timeout = 5 * time.Second
	}
	return c.Stop.Signal, timeout
}
