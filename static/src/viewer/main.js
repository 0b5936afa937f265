import { Viewer } from './viewer.js';

new Viewer(document.querySelector('#viewer')).start();
