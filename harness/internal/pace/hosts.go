package pace

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Hosts are the hosts of one run, so that all who call a host share its pace. It
// is safe for concurrent use.
type Hosts struct {
	each Config

	mu    sync.Mutex
	hosts map[string]*Host
}

// NewHosts makes Hosts that are each configured like that, the name aside.
func NewHosts(each Config) *Hosts { return &Hosts{each: each, hosts: map[string]*Host{}} }

// Host gives the host of that name, such as "api.example:8080".
func (h *Hosts) Host(name string) *Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	name = strings.ToLower(name)
	if h.hosts[name] == nil {
		c := h.each
		c.Name = name
		h.hosts[name] = New(c)
	}
	return h.hosts[name]
}

// All gives the hosts, sorted by name.
func (h *Hosts) All() []*Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*Host
	for _, name := range slices.Sorted(maps.Keys(h.hosts)) {
		all = append(all, h.hosts[name])
	}
	return all
}
