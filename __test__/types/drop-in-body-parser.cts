// The same in CommonJS.
import bodyParser = require('carapace/body-parser');
import bodyParserV1 = require('carapace/body-parser/v1');
import { json } from 'carapace/body-parser';
import express = require('express');

const options: bodyParser.OptionsUrlencoded = { extended: true, parameterLimit: 5 };
express().use(bodyParser.urlencoded(options), json(), bodyParserV1.text());
