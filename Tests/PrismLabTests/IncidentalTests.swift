import PrismTensor
import Testing

@testable import PrismLab

struct IncidentalTests {
    @Test func countsNeuronsThatTwoFeaturesShare() {
        // Neuron 0 has two features of opposite sign, neuron 1 one and a trace, neuron 2 one.
        let w = Tensor(shape: [4, 3], [1, 0, 0, -0.9, 0.1, 0, 0, 1, 0, 0, 0, 0.8])
        #expect(Experiment.polysemanticNeurons(w) == 1)
    }
}
