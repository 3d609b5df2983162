package flyapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// wireMachine is a Machine as the API tells it. Fields that placement does not
// need are not read; fields that are missing stay zero.
type wireMachine struct {
	ID         string    `json:"id"`
	Nonce      string    `json:"nonce"` // of the lease that a create got
	Version    string    `json:"instance_id"`
	Name       string    `json:"name"`
	State      string    `json:"state"`
	Region     string    `json:"region"`
	HostStatus string    `json:"host_status"`
	Cordoned   bool      `json:"cordoned"`
	CreatedAt  wireTime  `json:"created_at"`
	UpdatedAt  wireTime  `json:"updated_at"`
	Image      wireImage `json:"image_ref"`
	Lease      *struct {
		Owner       string   `json:"owner"`
		Description string   `json:"description"`
		ExpiresAt   wireTime `json:"expires_at"`
	} `json:"lease"`
	Checks []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"checks"`
	Config     *wireConfig    `json:"config"`
	Incomplete wireIncomplete `json:"incomplete_config"`
}

// wireIncomplete keeps the metadata of a configuration that the host did not
// confirm. Whatever else or other than text it holds is left out.
type wireIncomplete struct{ metadata map[string]string }

func (i *wireIncomplete) UnmarshalJSON(data []byte) error {
	*i = wireIncomplete{}
	var config struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	var all map[string]any
	_ = json.Unmarshal(data, &config) // nothing to rely on, so nothing to fail for
	_ = json.Unmarshal(config.Metadata, &all)
	for name, value := range all {
		if text, ok := value.(string); ok {
			if i.metadata == nil {
				i.metadata = map[string]string{}
			}
			i.metadata[name] = text
		}
	}
	return nil
}

type wireImage struct {
	Registry   string `json:"registry"`
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
	Digest     string `json:"digest"`
}

func (i wireImage) String() string {
	if i.Repository == "" {
		return ""
	}
	ref := i.Repository
	if i.Registry != "" {
		ref = i.Registry + "/" + ref
	}
	if i.Tag != "" {
		ref += ":" + i.Tag
	}
	if i.Digest != "" {
		ref += "@" + i.Digest
	}
	return ref
}

// wireTime is a time as text or as Unix seconds; anything else is no time.
type wireTime struct{ time.Time }

func (t *wireTime) UnmarshalJSON(data []byte) error {
	var seconds int64
	var text string
	t.Time = time.Time{}
	switch {
	case json.Unmarshal(data, &seconds) == nil && seconds > 0:
		t.Time = time.Unix(seconds, 0).UTC()
	case json.Unmarshal(data, &text) == nil:
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			t.Time = at.UTC()
		}
	}
	return nil
}

type wireConfig struct {
	Image string  `json:"image"`
	Env   wireEnv `json:"env"`
	Guest struct {
		CPUKind          string `json:"cpu_kind"`
		CPUs             int    `json:"cpus"`
		MemoryMB         int    `json:"memory_mb"`
		GPUs             int    `json:"gpus"`
		GPUKind          string `json:"gpu_kind"`
		HostDedicationID string `json:"host_dedication_id"`
	} `json:"guest"`
	Metadata map[string]string `json:"metadata"`
	Services []wireService     `json:"services"`
	Mounts   []struct {
		Name   string `json:"name"`
		Volume string `json:"volume"`
		Path   string `json:"path"`
	} `json:"mounts"`
	Standbys    []string `json:"standbys"`
	Schedule    string   `json:"schedule"`
	AutoDestroy bool     `json:"auto_destroy"`
	Restart     struct {
		Policy string `json:"policy"`
	} `json:"restart"`
	Spot json.RawMessage `json:"spot"`

	Init       wireCommand   `json:"init"`
	Processes  []wireCommand `json:"processes"`
	Files      []wireFile    `json:"files"`
	Containers []struct {
		wireCommand
		Image string     `json:"image"`
		Files []wireFile `json:"files"`
	} `json:"containers"`

	raw json.RawMessage // all of it
}

func (c *wireConfig) UnmarshalJSON(data []byte) error {
	type plain wireConfig
	*c = wireConfig{raw: bytes.Clone(data)}
	return json.Unmarshal(data, (*plain)(c))
}

type wireService struct {
	Protocol     string       `json:"protocol"`
	InternalPort int          `json:"internal_port"`
	Autostop     wireAutostop `json:"autostop"`
	MinRunning   int          `json:"min_machines_running"`
	Ports        []struct {
		Handlers []string `json:"handlers"`
	} `json:"ports"`
	Concurrency struct {
		Type      string `json:"type"`
		SoftLimit int    `json:"soft_limit"`
		HardLimit int    `json:"hard_limit"`
	} `json:"concurrency"`
}

// wireAutostop is a boolean in old configurations, a word in new ones.
type wireAutostop string

func (a *wireAutostop) UnmarshalJSON(data []byte) error {
	switch word := strings.Trim(string(data), `"`); word {
	case "true", "stop":
		*a = "stop"
	case "suspend":
		*a = "suspend"
	default:
		*a = "off"
	}
	return nil
}

// wireEnv keeps two variables and whether one is LiteFS'. The others may be
// secrets: they are not held.
type wireEnv struct {
	primary, standbyFor string
	liteFS              bool
}

func (e *wireEnv) UnmarshalJSON(data []byte) error {
	*e = wireEnv{}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	for name, field := range map[string]*string{
		"PRIMARY_REGION": &e.primary, "FLY_STANDBY_FOR": &e.standbyFor,
	} {
		if value, ok := all[name]; ok {
			_ = json.Unmarshal(value, field) // a value that is no text counts as none
		}
	}
	for name := range all {
		e.liteFS = e.liteFS || strings.HasPrefix(name, "LITEFS_")
	}
	return nil
}

type wireCommand struct {
	Exec       []string `json:"exec"`
	Entrypoint []string `json:"entrypoint"`
	Cmd        []string `json:"cmd"`
}

func (c wireCommand) liteFS() bool {
	return slices.ContainsFunc(slices.Concat(c.Exec, c.Entrypoint, c.Cmd), mentionsLiteFS)
}

// wireFile keeps of a file only whether it is LiteFS': its content may be a
// secret.
type wireFile struct{ liteFS bool }

func (f *wireFile) UnmarshalJSON(data []byte) error {
	var file struct {
		GuestPath string `json:"guest_path"`
		RawValue  string `json:"raw_value"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	content, _ := base64.StdEncoding.DecodeString(file.RawValue) // what is not base64 says nothing
	f.liteFS = mentionsLiteFS(file.GuestPath) || mentionsLiteFS(string(content))
	return nil
}

func mentionsLiteFS(text string) bool { return strings.Contains(strings.ToLower(text), "litefs") }

// liteFS tells whether the Machine looks like one that runs LiteFS. No field
// of the API says so.
func (c *wireConfig) liteFS() bool {
	found := c.Env.liteFS || c.Init.liteFS() || mentionsLiteFS(c.Image)
	for _, p := range c.Processes {
		found = found || p.liteFS()
	}
	for _, f := range c.Files {
		found = found || f.liteFS
	}
	for _, m := range c.Mounts {
		found = found || mentionsLiteFS(m.Name) || mentionsLiteFS(m.Path)
	}
	for _, k := range c.Containers {
		found = found || k.liteFS() || mentionsLiteFS(k.Image)
		for _, f := range k.Files {
			found = found || f.liteFS
		}
	}
	return found
}

func (m *wireMachine) machine() fleet.Machine {
	out := fleet.Machine{
		ID: m.ID, Name: m.Name, State: m.State, Region: region.Code(m.Region), HostStatus: m.HostStatus,
		Cordoned: m.Cordoned, Created: m.CreatedAt.Time, Updated: m.UpdatedAt.Time, Image: m.Image.String(),
	}
	if m.Lease != nil {
		out.Lease = &fleet.Lease{Owner: m.Lease.Owner, Description: m.Lease.Description, Expires: m.Lease.ExpiresAt.Time}
	}
	for _, c := range m.Checks {
		// Left behind by old blue-green deploys; fly-go leaves them out too.
		if !strings.HasPrefix(c.Name, "bg_deployments_compat") {
			out.Checks = append(out.Checks, fleet.Check{Name: c.Name, Status: c.Status})
		}
	}
	if out.HostStatus == "" {
		out.HostStatus = "unknown"
		if m.Config != nil {
			out.HostStatus = "ok"
		}
	}
	if m.Config != nil && out.HostStatus == "ok" {
		out.Config = m.Config.config()
		if out.Image == "" {
			out.Image = m.Config.Image
		}
	}
	if out.Config == nil {
		out.Incomplete = m.Incomplete.metadata
	}
	return out
}

// whole returns the Machine with what apply needs besides.
func (m *wireMachine) whole() apply.Machine {
	out := apply.Machine{Machine: m.machine(), Version: m.Version}
	if out.Config != nil {
		out.Raw = m.Config.raw
	}
	return out
}

func (c *wireConfig) config() *fleet.Config {
	out := &fleet.Config{
		Guest:         price.Guest{CPUKind: c.Guest.CPUKind, CPUs: c.Guest.CPUs, MemoryMB: c.Guest.MemoryMB},
		Metadata:      c.Metadata,
		PrimaryRegion: region.Code(c.Env.primary), StandbyFor: c.Env.standbyFor,
		Standbys: c.Standbys, Schedule: c.Schedule, AutoDestroy: c.AutoDestroy,
		HostDedicationID: c.Guest.HostDedicationID,
		GPU:              c.Guest.GPUs > 0 || c.Guest.GPUKind != "",
		Spot:             len(c.Spot) > 0 && string(c.Spot) != "null" || c.Restart.Policy == "spot-price",
		Containers:       len(c.Containers) > 0,
		LiteFS:           c.liteFS(),
	}
	for _, m := range c.Mounts {
		name := m.Name
		if name == "" {
			name = m.Volume
		}
		if name == "" {
			name = m.Path
		}
		out.Mounts = append(out.Mounts, name)
	}
	for _, s := range c.Services {
		out.Services = append(out.Services, s.service())
	}
	return out
}

func (s wireService) service() fleet.Service {
	out := fleet.Service{
		Protocol: s.Protocol, InternalPort: s.InternalPort, Autostop: string(s.Autostop), MinMachinesRunning: s.MinRunning,
		ConcurrencyType: s.Concurrency.Type, SoftLimit: s.Concurrency.SoftLimit, HardLimit: s.Concurrency.HardLimit,
	}
	if out.Autostop == "" {
		out.Autostop = "off"
	}
	if out.ConcurrencyType == "" {
		out.ConcurrencyType = "connections" // Fly.io's default
	}
	for _, p := range s.Ports {
		out.HTTP = out.HTTP || slices.Contains(p.Handlers, "http")
	}
	return out
}
