import PrismCore
import PrismDictionaries
import Testing

@Suite struct TrainingConfigurationTests {
    /// Warm-up, plateau and decay follow one another; at no step do two of them lower the rate.
    @Test(arguments: [
        (400, nil, 0.2), (400, 0, 0), (10, 5, 0.5), (1, 0, 1), (1, 1, 0), (100_000, nil, 0.2), (7, 0, 0.99),
    ])
    func theRateRisesStaysAndFalls(steps: Int, warmup: Int?, decay: Double) throws {
        var configuration = TrainingConfiguration()
        configuration.steps = steps
        configuration.warmup = warmup
        configuration.decay = decay
        try configuration.validate(Wiring(width: 8))
        let (rising, falling) = (configuration.warmupSteps, configuration.decaySteps)
        #expect(rising + falling <= steps)
        for step in 1...steps {
            let expected: Float =
                step <= rising
                ? Float(step) / Float(rising)
                : step > steps - falling ? Float(steps - step + 1) / Float(falling) : 1
            let rate = configuration.rate(step: step)
            #expect(abs(rate - configuration.peakRate * expected) <= 1e-6 * configuration.peakRate && rate > 0)
        }
    }

    @Test func peakRateFollowsTheWidthOfTheDictionary() {
        var configuration = TrainingConfiguration()
        configuration.latents = 1 << 14
        #expect(configuration.peakRate == 2e-4)
        configuration.latents = 1 << 16
        #expect(configuration.peakRate == 1e-4)
        configuration.learningRate = 3e-3
        #expect(configuration.peakRate == 3e-3)
    }

    struct Mistake: Sendable {
        let change: @Sendable (inout TrainingConfiguration) -> Void
        let part: String
        init(_ part: String, _ change: @escaping @Sendable (inout TrainingConfiguration) -> Void) {
            (self.part, self.change) = (part, change)
        }
    }

    @Test(arguments: [
        Mistake("latents must be positive, not 0") { $0.latents = 0 },
        Mistake("k must lie between 1 and the 4608 latents, not be 0") { $0.k = 0 },
        Mistake("not be 4609") { $0.k = 4609 },
        Mistake("batch must be at least 2, not 1") { $0.batch = 1 },
        Mistake("steps must be positive, not -1") { $0.steps = -1 },
        Mistake("learning rate must be positive, not 0") { $0.learningRate = 0 },
        Mistake("learning rate must be positive, not nan") { $0.learningRate = .nan },
        Mistake("learning rate must be positive, not inf") { $0.learningRate = .infinity },
        Mistake("decay is a share of the steps between 0 and 1, not 1.5") { $0.decay = 1.5 },
        Mistake("decay is a share of the steps between 0 and 1, not nan") { $0.decay = .nan },
        Mistake("warm-up (-1 steps)") { $0.warmup = -1 },
        Mistake("warm-up (321 steps) and decay (80) do not fit into 400 steps") { $0.warmup = 321 },
        Mistake("gradient clip must be positive, not 0") { $0.gradientClip = 0 },
        Mistake("auxiliary weight must not be negative") { $0.auxiliaryWeight = -1 },
        Mistake("auxiliary weight must not be negative") { $0.auxiliaryWeight = .nan },
        Mistake("auxiliary k must be positive, not 0") { $0.auxiliaryK = 0 },
        Mistake("dead after must be positive, not 0") { $0.deadAfter = 0 },
        Mistake("checkpoint interval must not be negative") { $0.checkpointEvery = -5 },
    ]) func mistakesAreNamed(mistake: Mistake) {
        var configuration = TrainingConfiguration()
        mistake.change(&configuration)
        let error = #expect(throws: PrismError.self) { try configuration.validate(Wiring(width: 8)) }
        #expect(error?.kind == .usage && error?.message.contains(mistake.part) == true, "\(error?.message ?? "")")
    }

    @Test func widthMustBePositive() {
        #expect(throws: PrismError.self) { try TrainingConfiguration().validate(Wiring(width: 0)) }
    }
}
