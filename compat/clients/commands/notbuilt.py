"""The nouns whose calls are not built yet, as compat/calls.tsv says: the steps that
wait for one run from the change on that takes the note from its line there."""
import os

# The call that tells: method, path and action of its line.
TELLS = {
    'attachments': ('POST', '/attachments', ''),
    'backups': ('POST', '/backups', ''),
    'groups': ('POST', '/groups', ''),
    'image content': ('POST', '/volumes/{volume_id}/action', 'os-volume_upload_image'),
    'image metadata': ('POST', '/volumes/{volume_id}/action', 'os-set_image_metadata'),
    'managing': ('POST', '/manageable_volumes', ''),
    'qos': ('POST', '/qos-specs', ''),
    'reserving': ('POST', '/volumes/{volume_id}/action', 'os-reserve'),
    'retype': ('POST', '/volumes/{volume_id}/action', 'os-retype'),
    'types': ('POST', '/types', ''),
}


def not_built():
    name = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'calls.tsv')
    notes = {}
    with open(name) as lines:
        for line in lines:
            if not line.startswith('#'):
                cells = line.rstrip('\n').split('\t')
                notes[tuple(cells[:3])] = cells[5] if len(cells) > 5 else ''
    return {noun for noun, call in TELLS.items() if notes[call] == 'not built yet'}


NOT_BUILT = not_built()
