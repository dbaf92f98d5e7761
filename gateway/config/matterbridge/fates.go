package matterbridge

// fate says what becomes of a key that has no counterpart.
type fate struct {
	why string
	// shown: its value is no secret and may stand in the comment.
	shown bool
}

// What several keys have in common.
const (
	noFilter   = "Causeway carries what everybody says; whom or what you do not want carried must stay out of the channel."
	asTheyAre  = "Causeway carries names and texts as they are."
	noSystem   = "Causeway never carries what the service itself posts: who joined or left, a new topic, who is typing."
	ownLimits  = "Causeway keeps to each service's limits by itself."
	noMedia    = "Causeway uses no media server."
	ofOthers   = "It is about a service that Causeway does not carry."
	inGeneral  = "Matterbridge heeds it in [general] only."
	noScripts  = "Causeway runs no scripts on messages."
	noWebhooks = "Webhooks tell nothing of edits, deletions, reactions and threads; the bot account's token does for both directions."
)

// fates are by the key in lower case. What is not here is not known to Matterbridge 1.26 either.
var fates = map[string]fate{
	"ignorenicks":        {noFilter, true},
	"ignoremessages":     {noFilter, true},
	"replacemessages":    {asTheyAre, true},
	"replacenicks":       {asTheyAre, true},
	"extractnicks":       {asTheyAre, true},
	"stripnick":          {asTheyAre, true},
	"tengomodifymessage": {noScripts, true},
	"stripmarkdown":      {asTheyAre, true},
	"htmldisable":        {asTheyAre, true},

	"showjoinpart":    {noSystem, true},
	"nosendjoinpart":  {noSystem, true},
	"verbosejoinpart": {noSystem, true},
	"showtopicchange": {noSystem, true},
	"synctopic":       {noSystem, true},
	"showusertyping":  {noSystem, true},

	"editdisable":       {"Causeway carries every edit, so that all sides say the same.", true},
	"editsuffix":        {"Each service marks by itself what was edited.", true},
	"preservethreading": {"Threads are always kept.", true},
	"prefixmessageswithnick": {"The author's name is always shown: in bold above the text in Teams; in Mattermost as the author of the post, or in the text where " +
		"EnablePostUsernameOverride is off.", true},
	"useusername":   {"People are called as the server's setting TeammateNameDisplay says.", true},
	"iconurl":       {"People's own pictures are shown, when PublicURL in [http] is set.", true},
	"nickformatter": {"There is no command that lists names.", true},
	"nicksperrow":   {"There is no command that lists names.", true},

	"skipversioncheck": {"There is no such check at the start; `causeway check` tells of servers that are too old.", true},
	"v6":               {"Mattermost from 10.11 on is spoken to in one way.", true},
	"protocol":         {"The header of the table names the service.", true},
	"useapi":           {"Mattermost is always spoken to by its API.", true},
	"sessionfile":      {"The sign-in is kept in the store, encrypted; `causeway login` makes it anew.", true},

	"joindelay":     {ownLimits, true},
	"rejoindelay":   {ownLimits, true},
	"messagedelay":  {ownLimits, true},
	"messagequeue":  {ownLimits, true},
	"messagelength": {ownLimits, true},
	"messagesplit":  {"Long messages are always split.", true},

	"mediaserverupload":      {noMedia, false}, // may hold a password
	"mediaserverdownload":    {noMedia, false},
	"mediadownloadpath":      {noMedia, true},
	"mediadownloadsize":      {inGeneral, true},
	"mediadownloadblacklist": {inGeneral, true},
	"mediaconverttgs":        {noMedia, true},
	"mediaconvertwebptopng":  {noMedia, true},

	"ignorefailureonstart": {"It is always so: an account that fails is parked and tried again, and the others go on.", true},
	"logfile":              {"The log goes to standard error, where systemd, or >> FILE in the command that starts Causeway, picks it up.", true},
	"debuglevel":           {ownLevel, true},

	"webhookurl":         {noWebhooks, false},
	"webhookbindaddress": {noWebhooks, true},
	"url":                {noWebhooks, false},
	"bindaddress":        {noWebhooks, true},

	"allowmention": {ofOthers, true}, "buffer": {ofOthers, true}, "charset": {ofOthers, true}, "colornicks": {ofOthers, true},
	"disablewebpagepreview": {ofOthers, true}, "messageformat": {ofOthers, true}, "quotedisable": {ofOthers, true},
	"quoteformat": {ofOthers, true}, "quotelengthlimit": {ofOthers, true}, "showembeds": {ofOthers, true}, "usesasl": {ofOthers, true},
	"usetls": {ofOthers, true}, "usediscriminator": {ofOthers, true}, "usefirstname": {ofOthers, true}, "uselocalavatar": {ofOthers, true},
	"useinsecureurl": {ofOthers, true}, "nohomeserversuffix": {ofOthers, true}, "topic": {ofOthers, true}, "nick": {ofOthers, true},
	"nickservnick": {ofOthers, false}, "nickservpassword": {ofOthers, false}, "nickservusername": {ofOthers, false}, "runcommands": {ofOthers, false},
	"authcode": {ofOthers, false}, "jid": {ofOthers, false}, "muc": {ofOthers, false}, "mxid": {ofOthers, false},
	"username": {ofOthers, false}, "realname": {ofOthers, false}, "name": {ofOthers, true},
}

const ownLevel = "LogLevel in [general] says how much is logged."

// titles are the services that Matterbridge knows, as people call them.
var titles = map[string]string{
	"api": "Matterbridge's API", "discord": "Discord", "gitter": "Gitter", "harmony": "Harmony", "irc": "IRC", "keybase": "Keybase", "matrix": "Matrix", "mumble": "Mumble",
	"nctalk": "Nextcloud Talk", "rocketchat": "Rocket.Chat", "slack": "Slack", "slack-legacy": "Slack", "sshchat": "ssh-chat", "steam": "Steam",
	"telegram": "Telegram", "vk": "VK", "whatsapp": "WhatsApp", "xmpp": "XMPP", "zulip": "Zulip",
}
