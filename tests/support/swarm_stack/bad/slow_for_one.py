import time

from service.predict.arm import Arm

_init = Arm.__init__


def _slow_for_one(self, name, bundle, *rest):
    _init(self, name, bundle, *rest)
    predict = self.predict

    def slow(matrix):
        time.sleep(0.2)
        return predict(matrix)

    if bundle.manifest.model == "quality-classification":
        self.predict = slow


Arm.__init__ = _slow_for_one
