package flysim

import (
	"maps"
	"net/http"
)

// metadata returns the texts of a Machine's metadata.
func (m *Machine) metadata() map[string]string {
	texts := map[string]string{}
	object, _ := m.Config["metadata"].(map[string]any)
	for key, value := range object {
		if text, ok := value.(string); ok {
			texts[key] = text
		}
	}
	return texts
}

func (s *Server) getMetadata(w http.ResponseWriter, r *http.Request) {
	if m := s.findMachine(w, r); m != nil {
		writeJSON(w, m.metadata())
	}
}

func (s *Server) getMetadataKey(w http.ResponseWriter, r *http.Request) {
	m := s.findMachine(w, r)
	if m == nil {
		return
	}
	value, ok := m.metadata()[r.PathValue("key")]
	if !ok {
		writeError(w, http.StatusNotFound, "metadata key not found")
		return
	}
	writeJSON(w, map[string]any{"value": value})
}

func (s *Server) setMetadata(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	var in struct {
		Value *string `json:"value"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	if in.Value == nil {
		writeError(w, http.StatusBadRequest, "value is required")
		return
	}
	s.putMetadata(m, map[string]any{r.PathValue("key"): *in.Value})
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) deleteMetadata(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	s.putMetadata(m, map[string]any{r.PathValue("key"): nil})
	w.WriteHeader(http.StatusNoContent)
}

// putMetadata sets metadata of m, and deletes what is nil. The Machine does not
// restart, nor gets a new version unless Config says so. Snapshots do not see it: the configuration
// is a new one.
func (s *Server) putMetadata(m *Machine, changes map[string]any) {
	config := maps.Clone(m.Config)
	if config == nil {
		config = map[string]any{}
	}
	old, _ := config["metadata"].(map[string]any)
	metadata := maps.Clone(old)
	if metadata == nil {
		metadata = map[string]any{}
	}
	for key, value := range changes {
		if value == nil {
			delete(metadata, key)
		} else {
			metadata[key] = value
		}
	}
	config["metadata"] = metadata
	m.Config, m.Updated = config, s.clock.Now()
	if s.config.MarksAreVersions {
		m.version = s.nextVersion()
	}
	s.changed(m, "metadata", m.Updated)
}
