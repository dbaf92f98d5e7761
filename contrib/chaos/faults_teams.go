package main

import (
	"time"

	"causeway/contrib/sim/teams"
)

// graphFaults are what Graph does.
var graphFaults = []*kind{
	{name: "Graph fails and throttles", group: ofGraph, least: 2000, most: 10000,
		begin: func(w *world, f Fault) {
			w.sim.SetChaos(teams.Chaos{Seed: f.Salt, Throttled: 0.1, Failed: 0.08, FailedAfter: 0.05, RetryAfter: time.Second})
		}, end: calmGraph},
	{name: "Graph's answers are lost", group: ofGraph, least: 2000, most: 10000,
		begin: func(w *world, f Fault) {
			w.sim.SetChaos(teams.Chaos{Seed: f.Salt, LoseRequest: 0.05, LoseAnswer: 0.15})
		}, end: calmGraph},
	{name: "Graph is away", group: ofGraph, least: 500, most: 6000,
		begin: func(w *world, f Fault) { w.sim.Outage([]int{0, 503}[f.Salt%2]) }, end: calmGraph},
	{name: "Graph's answers are slow and cut short", group: ofGraph, least: 2000, most: 8000,
		begin: func(w *world, f Fault) { w.graphFront.trouble(f.Salt, odds{truncated: 0.1, slow: 0.2}) },
		end:   func(w *world, _ Fault) { w.graphFront.calm() }},
}

func calmGraph(w *world, _ Fault) { w.sim.ClearFaults() }

// notificationFaults are what Graph does to its notifications.
var notificationFaults = []*kind{
	{name: "notifications doubled, reordered, late and forged", group: ofNotifications, least: 3000, most: 15000, needs: "rich",
		begin: func(w *world, f Fault) {
			w.sim.SetWebhookFaults(teams.WebhookFaults{
				Seed: f.Salt, Duplicate: 0.2, Delay: 0.1, Reorder: 0.2, MaxDelay: 3 * time.Second, LoseRequest: 0.05, LoseAnswer: 0.1, Batch: 5,
				Capitals: 0.5, TwicePerReaction: true, NoNames: true, DeletedAsUpdated: 0.5, Forged: 0.3,
			})
		}, end: calmNotifications},
	{name: "notifications dropped, subscriptions removed", group: ofNotifications, least: 3000, most: 10000, needs: "rich",
		begin: func(w *world, f Fault) {
			w.sim.SetWebhookFaults(teams.WebhookFaults{Seed: f.Salt, Lose: 0.15, MaxDelay: 3 * time.Second, Remove: 0.1, RemoveSilently: 0})
		}, end: calmNotifications},
	{name: "notifications do not get through", group: ofNotifications, least: 1000, most: 8000, needs: "rich",
		begin: func(w *world, f Fault) { w.sim.WebhookOutage([]int{0, 502}[f.Salt%2]) },
		end:   func(w *world, _ Fault) { w.sim.EndWebhookOutage() }},
}

func calmNotifications(w *world, _ Fault) { w.sim.SetWebhookFaults(teams.WebhookFaults{}) }

// tokenFaults are what becomes of tokens. A token in the place of a refused one that is refused within a minute says that the person is lost, so it is
// not done again.
var tokenFaults = []*kind{
	{name: "access tokens revoked", group: ofTokens, once: true, begin: func(w *world, _ Fault) { w.sim.ExpireAccessTokens() }},
}
