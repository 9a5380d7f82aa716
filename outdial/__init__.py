"""What every Outdial process shares: settings, the campaign clock, logs, Kafka client settings."""
