package metrics

// Number is one kind of number: a metric family of Prometheus.
type Number struct {
	// Name is what it is called; of a histogram, with _bucket, _sum and _count behind it.
	Name string
	// Kind is "counter", "gauge" or "histogram".
	Kind string
	// Labels tell several of its kind apart. Each has few values: names of the config, words of Causeway, or what a service is asked for.
	Labels []string
	// Help says what it is.
	Help string
	// Buckets are the bounds of a histogram.
	Buckets []float64
}

// delays are bounds in seconds: what is fast, Microsoft's pace for one writer, and what has waited for something.
var delays = []float64{0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400}

// commits are bounds in seconds: a commit costs what the disk needs.
var commits = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5}

// What is counted as it happens.
var (
	messages = Number{Name: "causeway_messages_total", Kind: "counter", Labels: []string{"account", "direction", "outcome", "reason"},
		Help: "Messages, by account. Direction in: outcome taken, a new message is stored. Direction out, counted for each conversation it goes to: outcome delivered, or quarantined with the kind of error that was the reason."}
	delivery = Number{Name: "causeway_delivery_delay_seconds", Kind: "histogram", Labels: []string{"account"}, Buckets: delays,
		Help: "From when a message was said, by its service's clock, until it stood in a conversation of this account."}
	attempts = Number{Name: "causeway_attempts_total", Kind: "counter", Labels: []string{"account", "operation", "result"},
		Help: "Steps that were tried at a service: post, edit, delete, react and so on. Result ok, or the kind of error."}
	throttled = Number{Name: "causeway_throttled_seconds_total", Kind: "counter", Labels: []string{"account"},
		Help: "For how long the service has told Causeway to write nothing, as the account or as a person."}
	calls = Number{Name: "causeway_calls_total", Kind: "counter", Labels: []string{"account", "operation", "status"},
		Help: "Requests to the service by what is asked for. Status ok, the HTTP status of a failure, or none without an answer. Requests in a batch count as well as the batch."}
	notifications = Number{Name: "causeway_notifications_total", Kind: "counter", Labels: []string{"account", "outcome"},
		Help: "What the service has sent by itself: events of a websocket, change notifications. Outcome taken, postponed (it comes again, or is read) or forged."}
	storing = Number{Name: "causeway_store_seconds", Kind: "histogram", Labels: []string{"operation"}, Buckets: commits,
		Help: "How long the store took, its commit on disk included: put, what was read is stored; advance, a lane stores an outcome and takes its next step."}
)

// What is looked at when it is asked for.
var (
	build         = Number{Name: "causeway_build_info", Kind: "gauge", Labels: []string{"version", "goversion"}, Help: "1, with the version that runs."}
	problems      = Number{Name: "causeway_problems", Kind: "gauge", Help: "What `causeway status` calls problems."}
	warnings      = Number{Name: "causeway_warnings", Kind: "gauge", Help: "What `causeway status` calls warnings."}
	storeUp       = Number{Name: "causeway_store_up", Kind: "gauge", Help: "1 as long as the store can be read and written. Where it is 0, the numbers that come from it are missing."}
	connected     = Number{Name: "causeway_account_connected", Kind: "gauge", Labels: []string{"account"}, Help: "1 while the account may read and write."}
	receiving     = Number{Name: "causeway_account_receiving", Kind: "gauge", Labels: []string{"account", "how"}, Help: "1, with how messages arrive: websocket, change notifications, polling."}
	sockets       = Number{Name: "causeway_websockets", Kind: "gauge", Labels: []string{"account", "of"}, Help: "Websockets that are open: the account's own, and those of people who prefer Teams."}
	subscriptions = Number{Name: "causeway_subscriptions", Kind: "gauge", Labels: []string{"account", "age"}, Help: "Subscriptions to change notifications that live, by how long they have: under 1h, under 1d, 1d or more."}
	ends          = Number{Name: "causeway_secret_end_timestamp_seconds", Kind: "gauge", Labels: []string{"account", "what"}, Help: "When a secret or certificate ends, as Unix time."}
	waiting       = Number{Name: "causeway_waiting", Kind: "gauge", Labels: []string{"gateway"}, Help: "Messages, edits, deletions and reactions that have not arrived yet. Direct and group messages are the gateway (direct)."}
	oldest        = Number{Name: "causeway_oldest_waiting_seconds", Kind: "gauge", Labels: []string{"gateway"}, Help: "For how long the first of them has waited; 0 when none does."}
	quarantined   = Number{Name: "causeway_quarantined", Kind: "gauge", Labels: []string{"gateway"}, Help: "Messages that could not be delivered, until somebody retries or drops them. What belongs to no gateway of the config any more is (gone)."}
	people        = Number{Name: "causeway_people", Kind: "gauge", Labels: []string{"state"}, Help: "People by state: connected; lost, who have to connect again; asked, who have not answered."}
	preferring    = Number{Name: "causeway_people_preferring", Kind: "gauge", Labels: []string{"account"}, Help: "People who are connected, by the account on which they want to be notified; who has not chosen is left out."}
)

// List gives every number of Causeway's own; beside them are those of Go and of the process, as every program in Go has them.
func List() []Number {
	return []Number{
		messages, delivery, attempts, throttled, calls, notifications, storing,
		build, problems, warnings, storeUp, connected, receiving, sockets, subscriptions, ends, waiting, oldest, quarantined, people, preferring,
	}
}
