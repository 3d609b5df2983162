package fleet

// Source is the Machine whose configuration a new Machine of the group gets:
// one that serves, started and with all checks passing or stopped by fly-proxy,
// of the newest release, updated last. A Machine with volumes, a canary, one
// that a blue-green deployment is done with, or one bound to a special host is
// never cloned. It is false when there is none to clone.
func (g Group) Source() (Machine, bool) {
	m, ok := g.likeliestSource()
	return m, ok && m.cloneable()
}

// likeliestSource is the Machine that comes nearest to one that may be cloned.
// It is false when no host tells a configuration.
func (g Group) likeliestSource() (Machine, bool) {
	var best Machine
	for _, m := range g.Machines {
		if m.Config != nil && (best.Config == nil || betterSource(m, best)) {
			best = m
		}
	}
	return best, best.Config != nil
}

func betterSource(m, than Machine) bool {
	for _, prefer := range []func(Machine) bool{
		Machine.cloneable,
		func(m Machine) bool { return len(m.Config.Mounts) == 0 },
		Machine.serving,
		func(m Machine) bool { return m.metadata(keyCanary) == "" },
		Machine.started,
		Machine.healthy,
	} {
		if a, b := prefer(m), prefer(than); a != b {
			return a
		}
	}
	if a, b := m.release(), than.release(); a != b {
		return a > b
	}
	if !m.Updated.Equal(than.Updated) {
		return m.Updated.After(than.Updated)
	}
	return m.ID < than.ID
}

// cloneable tells whether a new Machine may be made like m. One that fly-proxy
// stopped may: at night, all Machines of an autostop group are.
func (m Machine) cloneable() bool {
	c := m.Config
	if c == nil || len(c.Mounts) > 0 || c.GPU || c.HostDedicationID != "" {
		return false
	}
	return m.serving() && (m.stopped() || m.started() && m.healthy()) &&
		m.metadata(keyCanary) == "" && m.metadata(keyBlueGreen) != tagDoomed
}

func (m Machine) started() bool { return m.State == "started" }

// stopped tells whether the Machine rests, as fly-proxy leaves it in autostop
// groups.
func (m Machine) stopped() bool { return m.State == "stopped" || m.State == "suspended" }
