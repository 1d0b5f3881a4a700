// Reads a list of objects as JSON, and prints what the models of their kinds say against them, one entry an object.
import { readFileSync } from 'node:fs';

const packages = {
  'networking.istio.io': 'istio',
  'security.istio.io': 'istio',
  'gateway.networking.k8s.io': 'gateway-api',
  'monitoring.coreos.com': 'prometheus-operator',
};

async function complaint(object) {
  const [group] = object.apiVersion.split('/');
  const model = await import(`@kubernetes-models/${packages[group]}/${object.apiVersion}/${object.kind}`);
  try {
    new model[object.kind](object).validate();
    return null;
  } catch (error) {
    return String(error.message);
  }
}

const objects = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(await Promise.all(objects.map(complaint))));
