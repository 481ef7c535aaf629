require('./check.js')(require('carapace'));
