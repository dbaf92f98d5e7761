package mattermost

import (
	"maps"
	"strconv"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

func (s *Server) getPing(*call) (any, *model.AppError) {
	return map[string]any{"status": "OK", "ActiveSearchBackend": "database", "AndroidLatestVersion": "",
		"AndroidMinVersion": "", "IosLatestVersion": "", "IosMinVersion": ""}, nil
}

// getClientConfig answers with the values that any logged-in user may read;
// without a token with the few that the log-in page needs.
func (s *Server) getClientConfig(c *call) (any, *model.AppError) {
	config := map[string]string{
		"Version": ServerVersion, "BuildNumber": "19162534321", "BuildDate": "Mon Oct 13 17:00:00 UTC 2025",
		"BuildHash": "833e0125320d", "BuildEnterpriseReady": "false", "SiteName": "Mattermost",
		"SiteURL": s.siteURL(), "DiagnosticId": s.opts.DiagnosticID, "TelemetryId": s.opts.DiagnosticID,
		"DiagnosticsEnabled": "false", "EnableUserStatuses": "true", "EnableFileAttachments": strconv.FormatBool(!s.opts.NoFiles),
		"MaxPostSize": strconv.Itoa(MaxPostRunes), "WebsocketURL": "", "EnableCustomEmoji": "true",
	}
	if c.user != nil {
		limit := -1
		if s.opts.PostEditTimeLimit > 0 {
			limit = int(s.opts.PostEditTimeLimit / time.Second)
		}
		maps.Copy(config, map[string]string{
			"EnableUserAccessTokens": strconv.FormatBool(!s.opts.NoUserAccessTokens), "EnableBotAccountCreation": "true",
			"EnableCommands":             strconv.FormatBool(!s.opts.NoCommands),
			"EnableIncomingWebhooks":     "true",
			"PostPriority":               strconv.FormatBool(!s.opts.NoPostPriority),
			"EnablePostUsernameOverride": strconv.FormatBool(!s.opts.NoUsernameOverride),
			"EnablePostIconOverride":     strconv.FormatBool(!s.opts.NoIconOverride),
			"EnableOAuthServiceProvider": strconv.FormatBool(!s.opts.NoOAuth), "RestrictDirectMessage": "any",
			"MaxFileSize": strconv.FormatInt(s.maxFileSize(), 10), "EnablePublicLink": "false", "PostEditTimeLimit": strconv.Itoa(limit),
			"ShowEmailAddress": strconv.FormatBool(!s.opts.HideEmail), "ShowFullName": "true",
			"TeammateNameDisplay": "username", "CollapsedThreads": "always_on", "SQLDriverName": "postgres",
			"UniqueEmojiReactionLimitPerPost":          strconv.Itoa(MaxUniqueEmoji),
			"TimeBetweenUserTypingUpdatesMilliseconds": "5000", "EnableUserTypingMessages": "true",
		})
	}
	maps.Copy(config, s.opts.ClientConfig)
	return config, nil
}

func (s *Server) siteURL() string {
	if s.opts.SiteURL != "" {
		return s.opts.SiteURL
	}
	return s.URL()
}

func (s *Server) getClientLicense(*call) (any, *model.AppError) {
	return map[string]string{"IsLicensed": "false"}, nil
}

// getConfig is for administrators; of it just what the client configuration does not tell.
func (s *Server) getConfig(c *call) (any, *model.AppError) {
	if !s.isAdmin(c.user) {
		return nil, forbidden()
	}
	allowed := s.opts.AllowedInternal
	if allowed == "none" {
		allowed = ""
	}
	return map[string]any{"ServiceSettings": map[string]any{"AllowedUntrustedInternalConnections": allowed,
		"DisableBotsWhenOwnerIsDeactivated": !s.opts.BotsOutliveOwners}}, nil
}
