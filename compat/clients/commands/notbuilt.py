"""The nouns whose calls are not built yet. A row leaves with the change that
builds them; the steps that are waiting for it run from then on."""
NOT_BUILT = {
    'attachments', 'backups', 'capabilities', 'clusters', 'groups', 'image content', 'image metadata', 'managing',
    'messages', 'pools', 'qos', 'resource filters', 'retype', 'services', 'summary', 'types', 'workers',
}
