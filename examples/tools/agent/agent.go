package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// order is one of the shop's.
type order struct {
	status string
	euros  float64
}

func shop() map[string]order {
	return map[string]order{"17": {"on its way", 49.90}, "18": {"delivered", 120}, "19": {"delivered", 15}}
}

// agent serves one customer.
type agent struct {
	shop  map[string]order
	calls []call
}

var (
	orderNumber = regexp.MustCompile(`(?i)order (\d+)`)
	euros       = regexp.MustCompile(`(\d+(?:\.\d+)?) euros?`)
)

// serve does what the message asks for. A refund looks the order up first.
func (a *agent) serve(message string) string {
	m := orderNumber.FindStringSubmatch(message)
	if m == nil {
		return "Which order is it about?"
	}
	id := m[1]
	o, ok := a.find(id)
	switch words := strings.ToLower(message); {
	case !ok:
		return "There is no order " + id + "."
	case strings.Contains(words, "cancel"):
		return a.cancel(id, o)
	case strings.Contains(words, "refund") || strings.Contains(words, "money back"):
		return a.refund(id, o, message)
	}
	return fmt.Sprintf("Order %s is %s.", id, o.status)
}

func (a *agent) find(id string) (order, bool) {
	o, ok := a.shop[id]
	result := map[string]any{"found": ok}
	if ok {
		result["status"], result["euros"] = o.status, o.euros
	}
	a.called("find_order", map[string]any{"order": id}, result)
	return o, ok
}

func (a *agent) cancel(id string, o order) string {
	if o.status == "delivered" {
		return "Order " + id + " is delivered: it can't be cancelled."
	}
	a.called("cancel_order", map[string]any{"order": id}, "ok")
	return "Order " + id + " is cancelled."
}

// refund pays back what the message names, or the whole price.
func (a *agent) refund(id string, o order, message string) string {
	amount := o.euros
	if m := euros.FindStringSubmatch(message); m != nil {
		if x, err := strconv.ParseFloat(m[1], 64); err == nil {
			amount = x // more than the price is paid back, too: that is the bug to be found
		}
	}
	a.called("refund", map[string]any{"order": id, "euros": amount}, "ok")
	return fmt.Sprintf("We have sent %g euros back to you.", amount)
}

func (a *agent) called(name string, args map[string]any, result any) {
	a.calls = append(a.calls, call{name, args, result})
}
