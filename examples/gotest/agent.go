// Package gotest is a small support agent of a shop. Its tests are the example: they
// hold it to evals with go test.
package gotest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// Model words what the agent has to say. A language model is one.
type Model interface {
	Word(ctx context.Context, draft string) (string, error)
}

// Agent answers the questions of customers.
type Agent struct {
	Orders Orders
	// Model words the answers; nil leaves them as they are drafted.
	Model Model
	// Seed is for whatever the agent leaves to chance.
	Seed int64
}

// Reply is an answer with what led to it.
type Reply struct {
	Text   string
	Intent string // one of tracking, refund, refused, other
	Calls  []Call
}

// Call is one look at the shop's tables.
type Call struct {
	Tool, Order string
	Found       bool
}

var (
	orderID = regexp.MustCompile(`\b[A-Z]\d{3}\b`)
	others  = regexp.MustCompile(`(?i)\b(my (neighbour|boss|wife|husband)|someone else|another customer)\b`)
	advice  = regexp.MustCompile(`(?i)\b(sue|lawyer|legal|court)\b`)
)

// Answer finds out what a customer wants, looks the order up, and answers.
func (a Agent) Answer(ctx context.Context, question string) (Reply, error) {
	r := Reply{Intent: intent(question)}
	switch r.Intent {
	case "refused":
		r.Text = "I can't help with that here. Our people can: call 555 0100."
		return r, nil // never worded anew
	case "other":
		r.Text = "I can tell you where a parcel is, and refund an order. What is the number of your order?"
	default:
		r.Text = a.order(&r, orderID.FindString(question))
	}
	if a.Model == nil {
		return r, nil
	}
	var err error
	r.Text, err = a.Model.Word(ctx, r.Text)
	return r, err
}

func intent(question string) string {
	q := strings.ToLower(question)
	switch {
	case others.MatchString(q) || advice.MatchString(q):
		return "refused"
	case strings.Contains(q, "refund") || strings.Contains(q, "money back"):
		return "refund"
	case strings.Contains(q, "where") || strings.Contains(q, "parcel"):
		return "tracking"
	}
	return "other"
}

// order drafts an answer about one order.
func (a Agent) order(r *Reply, id string) string {
	if id == "" {
		return "What is the number of your order? It is a letter and three digits."
	}
	o, ok := a.Orders[id]
	r.Calls = append(r.Calls, Call{"lookup_order", id, ok})
	name := "Your order " + id
	if a.chance() < 0.1 {
		name = "It" // and now and then says less than it should
	}
	switch {
	case !ok:
		return fmt.Sprintf("There is no order %s.", id)
	case r.Intent == "tracking":
		return fmt.Sprintf("%s is %s.", name, o.Status)
	case o.Days > 30:
		return fmt.Sprintf("%s is %d days old. We refund within 30 days.", name, o.Days)
	}
	r.Calls = append(r.Calls, Call{"refund", id, true})
	return fmt.Sprintf("%s is refunded: $%d.%02d.", name, o.Cents/100, o.Cents%100)
}

// chance is a number in [0,1) that follows from the seed.
func (a Agent) chance() float64 {
	return rand.New(rand.NewPCG(uint64(a.Seed), 0)).Float64()
}

// Orders are the shop's, by number.
type Orders map[string]Order

// Order is one of them.
type Order struct {
	Status string
	Days   int // since it came
	Cents  int
}

// Shop has a few orders.
var Shop = Orders{
	"A100": {Status: "on its way", Cents: 2400},
	"A101": {Status: "at the customs", Cents: 8999},
	"B200": {Status: "delivered", Days: 12, Cents: 1250},
	"B201": {Status: "delivered", Days: 45, Cents: 9900},
}
