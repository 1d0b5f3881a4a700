-- Takes the keys back: nobody can show one any more.

DROP TABLE api_keys;
